"""Fixtures of function scope, set up and torn down around the body, where the case runs."""
