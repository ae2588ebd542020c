"""`benchmark` with `--benchmark-disable` (pytest-benchmark).

packages: pytest-benchmark
options: --benchmark-disable
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, benchmark):
    return benchmark.pedantic(abs, args=(-n,), rounds=3)
