"""NumPy on the native threads of BLAS."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pytest_parwork import close, parwork


@parwork(inside="native", workers=[2, 4])
@pytest.mark.parametrize("size", [200, 1000])
def test_product(size: int) -> NDArray[np.float64]:
    matrix = np.random.default_rng(0).random((size, size))
    return np.asarray(matrix @ matrix)


# LAPACK factorizes in blocks that depend on the number of threads. Each number agrees with itself,
# bit by bit; one and two differ by 7e-13: eps * condition number * largest element is 2.5e-11.
@parwork(inside="native", workers=2, compare=close(rtol=1e-6, atol=1e-9))
def test_solution() -> NDArray[np.float64]:
    generator = np.random.default_rng(0)
    return np.asarray(np.linalg.solve(generator.random((800, 800)), generator.random(800)))
