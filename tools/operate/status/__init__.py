"""Shows on one screen how a deployed pipeline is: ``python -m tools.operate.status``."""
