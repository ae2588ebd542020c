"""`benchmark` (pytest-codspeed).

packages: pytest-codspeed
options: --codspeed
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, benchmark):
    return benchmark(abs, -n)


@pytest.mark.benchmark
@N
def test_mark(n):
    return n


@N
def test_fails(n, benchmark):
    assert benchmark(abs, -n) == 7
