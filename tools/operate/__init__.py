"""Commands for a deployed pipeline."""
