"""What is deployed: one capability a module, and the permissions of its roles."""
