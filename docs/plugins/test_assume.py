"""`assume` (pytest-assume).

packages: pytest-assume
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n):
    pytest.assume(n == n)
    return n


@N
def test_fails(n):
    pytest.assume(n == 5)
    pytest.assume(n == n)
    return n
