"""Settings of a user: the tables of pipeline.toml, their rules, sources, names, and existing parts."""
