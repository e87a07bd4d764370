"""The function's zip: where its code lies, which wheels it carries, and its reproducible bytes."""
