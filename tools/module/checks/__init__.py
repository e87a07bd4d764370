"""What the module's variables are checked for, from the rules of the settings and of the sources."""
