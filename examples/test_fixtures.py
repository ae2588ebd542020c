"""Fixtures of function scope: set up where the case runs, once for each case, in both runs.

The seed of a case is derived from its id, so its random numbers are the same serially and on any
worker. Its folder is a different one for every case and run.
"""

import random
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def weights() -> list[float]:
    """Return what all cases share: set up once, here; its value is sent to the workers."""
    return [1 / n for n in range(1, 1001)]


@pytest.fixture
def numbers(parwork_seed: int) -> list[float]:
    """Draw the numbers of one case, in the process that runs it."""
    generator = random.Random(parwork_seed)
    return [generator.gauss(0, 1) for _ in range(1000)]


@pytest.fixture
def store(tmp_path: Path) -> Callable[[list[float]], Path]:
    """Give a function that writes a file."""

    def write(values: list[float]) -> Path:
        file = tmp_path / "values.txt"
        file.write_text("\n".join(map(repr, values)), encoding="utf-8")
        return file

    return write


@pytest.mark.parwork(backend=["processes", "joblib"], workers=2)
@pytest.mark.parametrize("power", range(8))
def test_weighted_sum(
    power: int,
    numbers: list[float],
    weights: list[float],
    store: Callable[[list[float]], Path],
) -> float:
    file = store([number**power for number in numbers])
    read = map(float, file.read_text(encoding="utf-8").split())
    return sum(number * weight for number, weight in zip(read, weights, strict=True))
