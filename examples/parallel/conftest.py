"""The examples in this folder need the libraries that they gate: `tox -e parallel`."""
