"""Puts undeliverable records back on the stream: ``python -m tools.operate.replay``."""
