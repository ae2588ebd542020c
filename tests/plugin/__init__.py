"""The pytest layer, tried on small projects as users write them."""
