"""What a source may say, from pipeline.toml or Python, and what follows from it."""
