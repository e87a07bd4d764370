"""Finds sources that stopped: the event that a schedule of its own sends every hour."""
