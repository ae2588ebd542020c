"""The ambient configurations of `inside=`: what code in this process runs in parallel with.

Each one is the serial configuration (joblib sequential, dask synchronous, one native thread) with a
single part of it replaced, so that a difference has one cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from ..backends.dask.ambient import SCHEDULERS, computing, computing_serially, require
from ..backends.joblib.ambient import calling_serially
from ..backends.protocol import Ambient, Backend
from ..machine.limits import Limits
from ..model.errors import UsageError

#: The ambient configuration of native thread pools: BLAS, OpenMP.
NATIVE = "native"

#: All names, for errors.
KNOWN = "joblib:loky, joblib:threading, joblib:multiprocessing, dask:threads, dask:processes, dask"

Enter = Callable[[], AbstractContextManager[None]]


def check_ambient(name: object, named: Callable[[str], Backend]) -> str:
    """Return the name of an ambient configuration; raises `UsageError` where there is none.

    `named` returns the backend of a name.
    """
    family, _, scheduler = name.partition(":") if isinstance(name, str) else ("", "", "")
    is_known = family in ("joblib", "dask") or name == NATIVE
    if not isinstance(name, str) or not is_known:
        raise UsageError(f"unknown inside={name!r:.80}; known: {KNOWN}, {NATIVE}")
    if family == "dask":
        require(name, "dask" if scheduler in SCHEDULERS else "distributed")
    is_own = name == NATIVE or (family == "dask" and scheduler in SCHEDULERS)
    if not is_own and not isinstance(named(name), Ambient):
        raise UsageError(f"inside={name!r} is unsupported; known: {KNOWN}, {NATIVE}")
    return name


@contextmanager
def serial(*, threads: int = 1) -> Iterator[None]:
    """Run everything serially inside the block, but native pools with so many threads."""
    with Limits(threads).hold(), calling_serially(), computing_serially():
        yield


@contextmanager
def ambient(name: str, workers: int, named: Callable[[str], Backend]) -> Iterator[None]:
    """Run in parallel, inside the block, what follows this configuration."""
    if name == NATIVE:
        with serial(threads=workers):
            yield
        return
    with serial(), _replaced(name, workers, named)():
        yield


def _replaced(name: str, workers: int, named: Callable[[str], Backend]) -> Enter:
    family, _, scheduler = name.partition(":")
    if family == "dask" and scheduler in SCHEDULERS:
        return partial(computing, scheduler, workers)
    backend = named(name)
    assert isinstance(backend, Ambient), "checked at collection"
    return partial(backend.ambient, workers)
