"""What is sent between processes, and where it is stored meanwhile."""
