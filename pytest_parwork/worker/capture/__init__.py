"""The capture of what tasks print, log and warn in a worker."""
