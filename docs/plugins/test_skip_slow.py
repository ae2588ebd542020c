"""`slow` (pytest-skip-slow).

packages: pytest-skip-slow
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@pytest.mark.slow
@N
def test_slow(n):
    return n


@N
def test_it(n):
    return n
