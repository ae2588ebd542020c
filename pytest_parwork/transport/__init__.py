"""The data that are sent between processes, and the places where they are stored meanwhile."""
