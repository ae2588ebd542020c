"""`timeout` (pytest-timeout).

packages: pytest-timeout
options: --timeout=60
"""

import time

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n):
    return n


@pytest.mark.timeout(1)
@N
def test_fails(n):
    time.sleep(5)
    return n
