"""duckdb 2.0.1: the functions of the module share one connection and its one pending result.

Confirmed by hand: with a cursor for each case, results are the same. Report: duckdb #13498.
"""

import duckdb
import pytest


@pytest.mark.parwork(backend="threads", workers=2)
@pytest.mark.parametrize("n", range(6))
def test_sums(n):
    return [
        duckdb.execute(f"select sum(range * {n + 1}) from range(20000)").fetchall()
        for _ in range(60)
    ]
