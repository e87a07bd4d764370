"""Requests to a source: allowed addresses, connections, redirects, retries, and the body."""
