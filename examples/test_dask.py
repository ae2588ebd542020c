"""Dask: the mean of a 10,000 x 10,000 random array, and calls, on a cluster of two workers."""

from itertools import product
from typing import Any

import pytest

from pytest_parwork import Parwork

da: Any = pytest.importorskip("dask.array", reason="needs dask[array]", exc_type=ImportError)
pytest.importorskip("distributed", reason="needs pytest-parwork[dask]")

# 800 MB in all. Each chunk of 8 MB is computed when it is needed, from its own seed, so a worker
# computes the same numbers as this process.
ARRAY = da.random.default_rng(0).random((10_000, 10_000), chunks=(1_000, 1_000))


@pytest.mark.parwork(backend="dask", workers=2)
@pytest.mark.parametrize("column", range(10))
def test_mean_of_columns(column: int) -> Any:
    return ARRAY.blocks[:, column].mean(axis=0).compute(scheduler="synchronous")


def mean_of_block(row: int, column: int) -> float:
    return float(ARRAY.blocks[row, column].mean().compute(scheduler="synchronous"))


def test_mean(parwork: Parwork) -> None:
    blocks = product(range(10), repeat=2)

    means = parwork.starmap(mean_of_block, blocks, backend="dask", workers=2)

    assert sum(means) / 100 == pytest.approx(0.5, abs=1e-3)
