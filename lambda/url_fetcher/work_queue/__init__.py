"""Sends messages to the work queue, and consumes them."""
