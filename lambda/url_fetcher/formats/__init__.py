"""Splits a body into records in bounded memory: JSON, NDJSON, JSON text sequences, CSV and XML."""
