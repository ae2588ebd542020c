"""threads that a test leaves (pytest-threadleak).

packages: pytest-threadleak
options: --threadleak
"""

import threading

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n):
    return n


@N
def test_fails(n):
    thread = threading.Thread(target=threading.Event().wait, daemon=True)
    thread.start()
    return n
