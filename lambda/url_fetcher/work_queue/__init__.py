"""Sends to the work queue, and consumes what is in it."""
