"""Real HTTP servers on loopback for demos, tests and benchmarks."""
