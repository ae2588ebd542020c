"""Hostile cases, signals and resource limits against every backend."""
