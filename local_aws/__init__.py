"""An AWS on this machine, for tests and for the demo; nothing in here is deployed."""
