"""Results to compare across environments: two Pythons, two versions of NumPy, two machines.

`pytest examples/test_environments.py --parwork-report=A.json` writes the first of two reports. The
statistics are the same wherever additions are made in the same order. The decomposition comes from
the BLAS of each environment and needs a tolerance:
`parwork compare A.json B.json --rtol=1e-9 --atol=1e-14`.
"""

from __future__ import annotations

from typing import Any

import pytest

np = pytest.importorskip("numpy", reason="needs NumPy: pip install numpy")


@pytest.mark.parwork(backend="threads")
@pytest.mark.parametrize("size", [10, 100, 1000])
def test_statistics(size: int) -> dict[str, Any]:
    sample = np.random.default_rng(seed=size).normal(size=size)
    return {
        "mean": sample.mean(),
        "extremes": (sample.min(), sample.max()),
        "sorted": np.sort(sample),
    }


@pytest.mark.parwork(backend="threads")
@pytest.mark.parametrize("size", [2, 4, 8])
def test_singular_values(size: int) -> Any:
    matrix = 1 / (np.arange(size)[:, None] + np.arange(size) + 1)
    return np.linalg.svd(matrix, compute_uv=False)
