"""`dependency` (pytest-dependency).

packages: pytest-dependency
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@pytest.mark.dependency
@N
def test_it(n):
    assert n == 0


@pytest.mark.dependency(depends=["test_it[0]"])
def test_runs():
    return 1


@pytest.mark.dependency(depends=["test_it[1]"])
def test_skipped():
    return 1
