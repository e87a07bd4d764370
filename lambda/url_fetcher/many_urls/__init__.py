"""Events of many URLs: a list in the event, or an object in S3."""
