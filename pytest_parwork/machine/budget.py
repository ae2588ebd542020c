"""The number of workers, and of native threads in each, that a run may have."""

from __future__ import annotations

import os

from ..model.errors import UsageError
from ..model.work import Budget, WorkersAsked
from .cpus import usable_cpus

#: The variable with which a user caps the number of workers, whatever a test asks for.
MOST = "PARWORK_MAX_WORKERS"


def resolve(asked: WorkersAsked) -> Budget:
    """Return the budget for the workers asked for; raises `UsageError` as `most_workers` does.

    `"auto"` is the number of usable CPUs, divided among the processes of pytest-xdist, and at least
    2, because one worker proves nothing. A number is the user's decision and is not divided.
    """
    cpus = usable_cpus()
    if asked == "auto":
        processes = _xdist_processes()
        workers = share = cpus.number // processes
        source = str(cpus) if processes == 1 else f"{cpus} shared among {processes} xdist workers"
        if share < 2:
            workers, source = 2, f"at least 2, with {source}"
    else:
        workers, source = asked, f"{asked} asked for"
    is_capped = False
    if (most := most_workers()) is not None and workers > most:
        workers, source, is_capped = most, f"capped by {MOST}={most}", True
    return Budget(
        workers=workers,
        source=source,
        cpus=cpus.number,
        cpus_limit=cpus.limit,
        is_capped=is_capped,
    )


def most_workers() -> int | None:
    """Return the user's cap on the workers, None if there is none; raises `UsageError`."""
    text = os.environ.get(MOST, "").strip()
    if not text:
        return None
    try:
        most = int(text)
    except ValueError:
        most = 0
    if most < 1:
        raise UsageError(f"{MOST}={text}: give a whole number, at least 1, or unset it")
    return most


def native_threads(workers: int, *, cpus: int | None = None) -> int:
    """Return the threads that BLAS and OpenMP may use in each of `workers`, and in the serial run.

    Both legs need the same number. Otherwise the order of summation differs, and so do the results.
    `cpus` is the number of usable CPUs if it is known: to find it takes half a millisecond.
    """
    number = usable_cpus().number if cpus is None else cpus
    return max(1, number // _xdist_processes() // workers)


def _xdist_processes() -> int:
    """Return the number of processes among which pytest-xdist divides the tests of this session."""
    try:
        return max(1, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    except ValueError:
        return 1
