"""joblib's own `Parallel` and `Memory`: by number of jobs, and on each of its backends."""

from __future__ import annotations

import math
from pathlib import Path

import joblib
import pytest

from pytest_parwork import parwork


def root(number: int) -> float:
    return math.sqrt(number)


@parwork(vary={"n_jobs": [1, 2, 3]})
@pytest.mark.parametrize("return_as", ["list", "generator"])
def test_order_is_kept(return_as: str, n_jobs: int) -> list[float]:
    calls = (joblib.delayed(root)(number) for number in range(40))
    parallel = joblib.Parallel(n_jobs=n_jobs, return_as=return_as, backend="threading")
    return list(parallel(calls))


@parwork(inside=["joblib:threading", "joblib:loky", "joblib:multiprocessing"], workers=2)
def test_memory_is_shared_by_workers(tmp_path: Path) -> list[float]:
    cached = joblib.Memory(tmp_path, verbose=0).cache(root)
    return list(joblib.Parallel()(joblib.delayed(cached)(number % 4) for number in range(16)))
