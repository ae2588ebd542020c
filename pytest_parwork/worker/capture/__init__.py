"""How a worker gets hold of what its tasks print, log and warn."""
