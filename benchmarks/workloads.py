"""The functions that benchmarks run in workers, which cannot import them from a script."""

from __future__ import annotations

import os
import signal

import numpy as np
from numpy.typing import NDArray

__all__ = ["fib", "mean_of_share", "spin", "spin_or_die", "successor"]


def fib(n: int) -> int:
    """Return a Fibonacci number, the slow way."""
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def mean_of_share(array: NDArray[np.float64], number: int, shares: int) -> float:
    """Return the mean of one share of a large array."""
    return float(array[number::shares].mean())


def successor(n: int) -> int:
    """Return the next number: a task that takes no time."""
    return n + 1


def spin(loops: int) -> int:
    """Keep a processor busy: so many additions, however long they take."""
    total = 0
    for number in range(loops):
        total += number
    return total


def spin_or_die(loops: int, dies: bool) -> int:
    """Do the same, and then end the process the hard way, or return."""
    total = spin(loops)
    if dies:
        os.kill(os.getpid(), signal.SIGKILL)
    return total
