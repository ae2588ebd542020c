"""The limit of native threads, the same in the workers and in the serial run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

#: The variables from which libraries read their number of threads when they are loaded.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)

#: The list of files that this process has loaded (Linux).
MAPS = Path("/proc/self/maps")

#: Parts of the file names of libraries that threadpoolctl can limit.
_LIBRARIES = (
    b"/libgomp",
    b"/libomp",
    b"/libiomp",
    b"openblas",
    b"mkl_rt",
    b"libblis",
    b"flexiblas",
)


def limit_worker(threads: int) -> Callable[[], None]:
    """Limit the loaded libraries, and those that a task or an argument will load.

    Returns a function that lifts the limit, for workers that serve others afterwards.
    """
    limits = Limits(threads)
    limits.take()
    return limits.release


def limit_thread(threads: int) -> Callable[[], None]:
    """Limit OpenMP in the calling thread: unlike that of BLAS, its limit is set per thread.

    Returns a function that lifts the limit, for threads that are not ours. It must be called in the
    same thread.
    """
    if not _is_any_loaded():
        return lambda: None
    import threadpoolctl

    limiter = threadpoolctl.threadpool_limits(limits=threads, user_api="openmp")
    lift: Callable[[], None] = limiter.restore_original_limits
    return lift


class Limits:
    """The workers' limit of native threads, applied to the serial run and before a fork as well.

    Libraries that are loaded meanwhile read it from the environment, which is then the same as in
    the workers. So both legs also pass the same environment to processes that a case starts.
    """

    def __init__(self, threads: int | None) -> None:
        self._threads = threads
        self._before: dict[str, str | None] = {}
        self._limiters: list[Any] = []
        self._modules = 0

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Apply the limit inside the block."""
        self.take()
        try:
            yield
        finally:
            self.release()

    def take(self) -> None:
        """Apply the limit from now on; call it again after code that may have loaded a library."""
        if self._threads is None:
            return
        if not self._before:
            self._before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
            os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(self._threads)))
        if len(sys.modules) == self._modules:
            return
        self._modules = len(sys.modules)
        if _is_any_loaded():
            self._limiters += _limit(self._threads)
            self._modules = len(sys.modules)

    def release(self) -> None:
        """Restore all previous limits and variables."""
        while self._limiters:
            self._limiters.pop().restore_original_limits()
        self._modules = 0
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before = {}


def _limit(threads: int) -> list[Any]:
    """Limit the libraries with another number of threads; return the objects that undo this.

    Setting a number in OpenBLAS, even the one that it has, restarts its threads in a forked
    process. They spin for 60 ms, on the processors that the workers need.
    """
    import threadpoolctl

    found = threadpoolctl.ThreadpoolController()
    wrong = [library["filepath"] for library in found.info() if library["num_threads"] != threads]
    return [found.select(filepath=wrong).limit(limits=threads)] if wrong else []


def _is_any_loaded() -> bool:
    """Return whether any library can be limited; threadpoolctl would take 5 ms to find none."""
    if {"numpy", "torch"} & sys.modules.keys():
        return True
    return _is_any_mapped(MAPS, len(sys.modules))


@lru_cache(maxsize=1)  # the list takes a millisecond; a forked worker inherits the answer
def _is_any_mapped(maps: Path, modules: int) -> bool:  # noqa: ARG001, nothing is loaded without one
    try:
        files = maps.read_bytes()
    except OSError:  # macOS, Windows
        return False
    return any(name in files for name in _LIBRARIES)
