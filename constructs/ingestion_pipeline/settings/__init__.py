"""What a user sets: the tables of pipeline.toml, their rules, sources, names, and existing parts."""
