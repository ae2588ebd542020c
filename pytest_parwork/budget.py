"""How many workers, and native threads in each, this machine has room for."""

from __future__ import annotations

import math
import os
from pathlib import Path

from .model import WorkersAsked

__all__ = ["native_threads", "resolve", "usable_cpus"]

#: Where a container's share of the processors stands (cgroup v2): quota and period.
CGROUP = Path("/sys/fs/cgroup/cpu.max")


def usable_cpus() -> int:
    """Return how many processors this process may use: affinity and cgroup limit respected."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    cpus = len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        quota, period = CGROUP.read_text(encoding="ascii").split()
        cpus = min(cpus, max(1, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no cgroup here, or "max": no limit
        pass
    return cpus


def resolve(asked: WorkersAsked) -> int:
    """Return the number of workers for what was asked: `"auto"` is the usable CPUs, at least 2."""
    return max(2, usable_cpus()) if asked == "auto" else asked


def native_threads(workers: int) -> int:
    """Return the threads that BLAS and OpenMP may use in each of `workers`, and in serial.

    Both legs need the same number, or the order of summation differs, and with it the results.
    """
    return max(1, usable_cpus() // workers)
