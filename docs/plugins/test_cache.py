"""`cache` (pytest)."""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, cache):
    cache.set(f"example/{n}", n)
    return cache.get(f"example/{n}", None)
