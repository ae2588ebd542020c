"""`fail_slow` (pytest-fail-slow).

packages: pytest-fail-slow
"""

import time

import pytest

N = pytest.mark.parametrize("n", range(2))


@pytest.mark.fail_slow("30s")
@N
def test_it(n):
    return n


@pytest.mark.fail_slow("0.1s")
@N
def test_fails(n):
    time.sleep(0.3)
    return n
