"""What the function is given: its event, its environment and the configured sources."""
