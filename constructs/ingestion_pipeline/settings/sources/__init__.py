"""Checks sources from pipeline.toml or Python, and derives schedules and permissions from them."""
