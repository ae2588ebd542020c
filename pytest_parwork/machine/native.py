"""Native thread pools and forks: GNU OpenMP's is ended before a fork, unusable ones are named."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: The files and threads of this process (Linux).
MAPS = Path("/proc/self/maps")
THREADS = "/proc/self/task"

#: omp_pause_soft of OpenMP 5.0: the threads end, all settings are kept.
PAUSE_SOFT = 1


class OpenMP:
    """GNU's OpenMP, whose threads are ended before a fork; it restarts them at their next use.

    Otherwise a forked process waits for ever for the threads of its parent (GCC bug 60035), as in
    scikit-learn, LightGBM, XGBoost and PyTorch. LLVM's and Intel's OpenMP handle forks themselves.
    """

    def __init__(self) -> None:
        self._modules = 0
        self._libraries: list[Any] = []

    def pause(self) -> None:
        """End the threads that work for the calling one, which must be the one that forks next."""
        if len(sys.modules) != self._modules:  # otherwise nothing has been loaded since
            self._modules = len(sys.modules)
            self._libraries = list(_gnu_openmp())
        for library in self._libraries:
            library.omp_pause_resource_all(PAUSE_SOFT)


def _gnu_openmp() -> Iterator[Any]:
    """Yield every loaded GNU OpenMP: wheels bring their own copies."""
    try:
        files = set(re.findall(rb"/\S*/libgomp\S*", MAPS.read_bytes()))
    except OSError:  # macOS, Windows
        return
    for file in sorted(files):
        import ctypes

        with suppress(OSError):  # its file has been removed
            library = ctypes.CDLL(os.fsdecode(file))
            if hasattr(library, "omp_pause_resource_all"):  # GCC 9 or later
                yield library


@dataclass(frozen=True, slots=True, kw_only=True)
class LostPool:
    """A thread pool that cannot be used in a process that was forked after the pool had started.

    `library` is its import name, `effect` the consequence of using it nevertheless. `has_started`
    takes the module that POOLS names.
    """

    library: str
    effect: str
    has_started: Callable[[Any], bool]


def _is_polars_started(_: Any) -> bool:
    return any(re.match(r"polars-\d", name) for name in _thread_names())


def _is_numba_started(module: Any) -> bool:
    return bool(module._is_initialized) and module._threading_layer == "omp"


#: By the module whose presence means that the pool may have started.
POOLS = {
    "polars": LostPool(
        library="polars",
        effect="a forked worker that uses polars waits for these threads for ever",
        has_started=_is_polars_started,
    ),
    "numba.np.ufunc.parallel": LostPool(
        library="numba",
        effect="GNU OpenMP ends a forked worker that calls a parallel function of numba "
        "(with NUMBA_THREADING_LAYER=workqueue it works)",
        has_started=_is_numba_started,
    ),
}


def lost_pools() -> Iterator[LostPool]:
    """Yield the pools that have started in this process, which a forked one cannot use."""
    for name, pool in POOLS.items():
        module = sys.modules.get(name)
        if module is not None:
            with suppress(AttributeError):  # an unknown version of it
                if pool.has_started(module):
                    yield pool


def _thread_names() -> Iterator[str]:
    """Yield the names of native threads; none where the system does not list them (not Linux)."""
    if not os.path.isdir(THREADS):
        return
    for thread in os.listdir(THREADS):
        with suppress(OSError):  # it may end meanwhile
            yield Path(THREADS, thread, "comm").read_text(errors="replace")
