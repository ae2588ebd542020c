"""The code that runs where a task runs; it imports neither pytest nor NumPy."""
