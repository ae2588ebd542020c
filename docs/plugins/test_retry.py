"""`flaky` (pytest-retry).

packages: pytest-retry
"""

import os
import threading

import pytest

N = pytest.mark.parametrize("n", range(2))


REACHED = []


@pytest.mark.flaky(retries=3)
@N
def test_it(n):
    own = (n, os.getpid(), threading.get_ident())
    REACHED.append(own)
    assert REACHED.count(own) >= 2


@pytest.mark.flaky(retries=1)
@N
def test_fails(n):
    raise ValueError(n)
