"""dask's collections under each of its schedulers, as in its tutorial."""

from __future__ import annotations

import operator

import dask.array as da
import dask.bag as db
import dask.dataframe as dd
import numpy as np
import pandas as pd

from pytest_parwork import close, parwork

SCHEDULERS = ["dask:threads", "dask:processes", "dask"]


@parwork(inside=SCHEDULERS, workers=2)
def test_mean() -> da.Array:
    return da.random.default_rng(0).random((2000, 2000), chunks=(500, 500)).mean(axis=0)


@parwork(inside=SCHEDULERS, workers=2)
def test_frequencies() -> db.Bag:
    words = ["the", "quick", "brown", "fox", "the", "lazy", "dog"] * 20
    return db.from_sequence(words, npartitions=5).frequencies(sort=True)


@parwork(inside=SCHEDULERS, workers=2)
def test_groups() -> dd.Series:
    frame = pd.DataFrame({"k": np.arange(1000) % 7, "x": np.arange(1000) / 8})
    return dd.from_pandas(frame, npartitions=4).groupby("k").x.mean()


# Other chunks are other orders of summation, which may round otherwise.
@parwork(vary={"chunks": [(2000, 2000), (500, 500), (100, 2000)]}, compare=close(rtol=1e-12))
def test_chunks(chunks: tuple[int, int]) -> float:
    numbers = np.random.default_rng(0).random((2000, 2000))
    total = da.from_array(numbers, chunks=chunks).sum()
    return float(total.compute(scheduler="synchronous"))


@parwork(vary={"scheduler": ["synchronous", "threads"]})
def test_scheduler(scheduler: str) -> int:
    total = db.from_sequence(range(100), npartitions=4).fold(operator.add)
    return int(total.compute(scheduler=scheduler, num_workers=2))
