"""`flaky`, `--reruns` (pytest-rerunfailures).

packages: pytest-rerunfailures
note: a count in a file is shared by both runs: mark such a test with `backend="serial"`
"""

import os
import threading

import pytest

N = pytest.mark.parametrize("n", range(2))

REACHED = []


@pytest.mark.flaky(reruns=2)
@N
def test_it(n):
    own = (n, os.getpid(), threading.get_ident())  # a case runs in a worker, too
    REACHED.append(own)
    assert REACHED.count(own) >= 3


@pytest.mark.flaky(reruns=1)
@N
def test_fails(n):
    raise ValueError(n)
