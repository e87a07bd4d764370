"""Terraform's own language: expressions, blocks, and which arguments of a resource are blocks."""
