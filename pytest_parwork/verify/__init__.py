"""Both legs of a task side by side: the serial call, the comparison, the entry."""
