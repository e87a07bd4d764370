"""A body cut into records: JSON, newline-delimited JSON and CSV, in bounded memory."""
