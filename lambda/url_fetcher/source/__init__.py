"""One source: its schema, authentication, pagination, and the reader that gives its pages."""
