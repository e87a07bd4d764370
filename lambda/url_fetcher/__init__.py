"""The function that fetches records from a URL and puts them on the stream."""
