"""`benchmark` (pytest-benchmark).

packages: pytest-benchmark
note: workers call the function once; a case that reads its times is plain
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, benchmark):
    return benchmark(abs, -n)


@N
def test_pedantic(n, benchmark):
    return benchmark.pedantic(abs, args=(-n,), rounds=3)
