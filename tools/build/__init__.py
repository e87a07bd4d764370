"""Builds what is released: the wheels, the module's archive."""
