"""Tests of code that is parallel itself: what is varied, their references, their verdicts."""
