"""All that runs where a task runs; neither pytest nor NumPy is imported here."""
