"""SciPy's functions with `workers=`: threads of its own, pools of processes, native threads."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
from numpy.typing import NDArray
from scipy.optimize import brute, differential_evolution, rosen
from scipy.spatial import cKDTree

from pytest_parwork import MismatchError, parwork

POINTS = np.random.default_rng(0).random((20_000, 3))
SIGNALS = np.random.default_rng(0).random((256, 4096))


@parwork(vary={"workers": [1, 2, -1]})
@pytest.mark.parametrize("name", ["fft", "rfft", "dct", "fft2"])
def test_transform(name: str, workers: int) -> NDArray[np.complex128]:
    return np.asarray(getattr(scipy.fft, name)(SIGNALS, workers=workers))


@parwork(vary={"workers": [1, 2]})
def test_nearest(workers: int) -> tuple[object, object]:
    distances, indices = cKDTree(POINTS).query(POINTS, k=3, workers=workers)
    return distances, indices


@parwork(vary={"workers": [1, 2]})
def test_brute(workers: int) -> NDArray[np.float64]:
    ranges = ((-1.0, 2.0), (-1.0, 2.0))
    return np.asarray(brute(rosen, ranges, Ns=12, workers=workers, finish=None))


@parwork(vary={"workers": [1, 2]})
@pytest.mark.parametrize(
    "updating",
    [
        # With workers, SciPy overrides "immediate" by "deferred", which is another algorithm: two
        # workers with "immediate" give the bits of one with "deferred".
        pytest.param("immediate", marks=pytest.mark.xfail(raises=MismatchError, strict=True)),
        "deferred",
    ],
)
@pytest.mark.filterwarnings("ignore:differential_evolution")
def test_evolution(updating: str, workers: int) -> tuple[object, float]:
    found = differential_evolution(
        rosen,
        [(-2, 2), (-2, 2)],
        rng=1,
        maxiter=5,
        polish=False,
        updating=updating,
        workers=workers,
    )
    return found.x, found.fun
