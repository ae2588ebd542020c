"""Calls fanned out inside a test: the fixture `parwork`."""
