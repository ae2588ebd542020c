"""`multiprocessing.Pool` behind `parwork.map` and `parwork.starmap`, with each start method."""

import math

import pytest

from pytest_parwork import Parwork

BACKENDS = ["multiprocessing:fork", "multiprocessing:spawn"]


@pytest.mark.parwork(backend=BACKENDS, workers=2)
def test_map(parwork: Parwork) -> None:
    assert parwork.map(math.factorial, range(100))[4] == 24


@pytest.mark.parwork(backend=BACKENDS, workers=2)
def test_starmap(parwork: Parwork) -> None:
    pairs = [(n, k) for n in range(20) for k in range(n + 1)]

    run = parwork.starmap(math.comb, pairs)

    assert sum(run) == 2**20 - 1
