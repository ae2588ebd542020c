"""`pytest.helpers` (pytest-helpers-namespace).

packages: pytest-helpers-namespace
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@pytest.helpers.register
def double(n):
    return 2 * n


@N
def test_it(n):
    return pytest.helpers.double(n)


@N
def test_fails(n):
    assert pytest.helpers.double(n) == 7
