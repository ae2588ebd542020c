"""Hostile cases, signals and limits against every backend: what survives, what does not."""
