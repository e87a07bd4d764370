"""Log lines, metrics and errors of the function, without secrets."""
