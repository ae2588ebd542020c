"""Both legs of a task: the serial call, the comparison with the parallel run, the entry."""
