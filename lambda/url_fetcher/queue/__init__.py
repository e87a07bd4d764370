"""The work queue: messages to it, and events of many URLs that become some."""
