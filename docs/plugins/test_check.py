"""`check` (pytest-check).

packages: pytest-check
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, check):
    check.equal(n, n)
    return n


@N
def test_fails(n, check):
    check.equal(n, 5)
    check.equal(n, n)
    return n
