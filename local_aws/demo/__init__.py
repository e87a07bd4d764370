"""``make demo``: deploy to the local AWS, ingest, compare every record, show what landed."""
