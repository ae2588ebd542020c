"""The cause of a difference, found by controlled reruns in other processes."""
