"""Random histories of a work queue, in memory: the function's and the commands' real code, faults, deaths."""
