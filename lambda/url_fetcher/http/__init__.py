"""Requests to a source: which addresses are allowed, connections, redirects, retries, and the body."""
