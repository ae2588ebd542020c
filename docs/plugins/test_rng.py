"""`rng` (pytest-rng).

packages: pytest-rng
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, rng):
    return rng.uniform(size=3)


@N
def test_fails(n, rng):
    assert rng.uniform() > 7
