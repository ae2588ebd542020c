"""Planted defects and clean functions, and whether a diagnosis names the cause of each."""
