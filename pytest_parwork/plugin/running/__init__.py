"""The runs of cases: on a backend behind a gate, then serially, one by one, with the verdict."""
