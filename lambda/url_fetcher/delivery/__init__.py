"""Records to the Kinesis stream: lines, packing, requests, retries, and the dead letters."""
