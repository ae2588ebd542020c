"""`thread_unsafe`, `parallel_threads` (pytest-run-parallel).

packages: pytest-run-parallel
options: --parallel-threads=2
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@pytest.mark.thread_unsafe
@N
def test_it(n):
    return n


@N
def test_other(n, num_parallel_threads):
    return num_parallel_threads
