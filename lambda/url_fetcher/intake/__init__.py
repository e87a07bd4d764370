"""Reads the event, the environment and the configured sources."""
