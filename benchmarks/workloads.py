"""The functions that benchmarks run in workers, which could not import them from a script."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["fib", "mean_of_share"]


def fib(n: int) -> int:
    """Return a Fibonacci number, the slow way."""
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def mean_of_share(array: NDArray[np.float64], number: int, shares: int) -> float:
    """Return the mean of one share of a large array."""
    return float(array[number::shares].mean())
