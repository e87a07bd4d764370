"""Authentication at a source."""
