"""The words of the package as immutable values, and how they read in a terminal."""
