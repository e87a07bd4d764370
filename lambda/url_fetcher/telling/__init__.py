"""What the function says: log lines, metrics, errors, none of them with a secret."""
