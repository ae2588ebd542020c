"""`unordered` (pytest-unordered).

packages: pytest-unordered
"""

import pytest
from pytest_unordered import unordered

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n):
    assert [n, 7] == unordered(7, n)
    return n


@N
def test_fails(n):
    assert [n, 7] == unordered(8, n)
