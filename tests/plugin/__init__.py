"""Tests of the pytest layer, on small projects as users write them."""
