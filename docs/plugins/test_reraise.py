"""`reraise` (pytest-reraise).

packages: pytest-reraise
"""

from threading import Thread

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, reraise):
    def run():
        with reraise:
            assert n < 7

    thread = Thread(target=run)
    thread.start()
    thread.join()
    return n


@N
def test_fails(n, reraise):
    def run():
        with reraise:
            assert n == 7

    thread = Thread(target=run)
    thread.start()
    thread.join()
    return n
