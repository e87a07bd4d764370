"""Checks of the module's variables, from the rules of the settings and of the sources."""
