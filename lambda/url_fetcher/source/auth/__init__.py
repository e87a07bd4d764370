"""How a source learns who asks."""
