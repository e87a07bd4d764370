"""Where the next page is."""
