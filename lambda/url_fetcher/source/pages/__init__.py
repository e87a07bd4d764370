"""Finds the next page of a source."""
