"""Creates, changes and removes the pipeline, and the bucket of its state."""
