"""One file for each table of pipeline.toml: every setting with its meaning, default, limit and source."""
