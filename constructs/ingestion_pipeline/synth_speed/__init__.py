"""Why synthesis is fast."""
