"""`flaky` (flaky).

packages: flaky
"""

import os
import threading

import pytest
from flaky import flaky

N = pytest.mark.parametrize("n", range(2))

REACHED = []


@flaky(max_runs=3)
@N
def test_it(n):
    own = (n, os.getpid(), threading.get_ident())  # a case runs in a worker, too
    REACHED.append(own)
    assert REACHED.count(own) >= 2


@flaky
@N
def test_fails(n):
    raise ValueError(n)
