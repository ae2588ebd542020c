"""`snapshot()` in the source (inline-snapshot).

packages: inline-snapshot
"""

import pytest
from inline_snapshot import snapshot

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n):
    assert {"value": n - n} == snapshot({"value": 0})
    return n


@N
def test_fails(n):
    assert {"value": n} == snapshot({"value": 7})
