"""Code that tests share: how they are selected, started, and ended."""
