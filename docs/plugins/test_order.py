"""`order` (pytest-order).

packages: pytest-order
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@pytest.mark.order(2)
@N
def test_it(n):
    return n


@pytest.mark.order(1)
def test_first():
    return 1
