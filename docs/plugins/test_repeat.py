"""`--count`, `repeat` (pytest-repeat).

packages: pytest-repeat
options: --count=2
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n):
    return n


@pytest.mark.repeat(3)
def test_repeated():
    return 1
