"""`raises` (pytest-raises).

packages: pytest-raises
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@pytest.mark.raises(exception=ValueError)
@N
def test_it(n):
    raise ValueError(n)


@pytest.mark.raises(exception=ValueError)
@N
def test_fails(n):
    return n


@pytest.mark.raises(exception=ValueError)
@N
def test_other(n):
    raise KeyError(n)
