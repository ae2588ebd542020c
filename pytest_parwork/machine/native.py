"""Native thread pools and forks: GNU OpenMP's is ended before a fork, unusable ones are named."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..model.dataclass import dataclass

#: The files and threads of this process (Linux).
MAPS = Path("/proc/self/maps")
THREADS = "/proc/self/task"

#: omp_pause_soft of OpenMP 5.0: the threads end, all settings are kept.
PAUSE_SOFT = 1


def pause_openmp() -> None:
    """End the threads of GNU's OpenMP that work for this thread, which must be the one that forks.

    Otherwise a forked process waits for ever for the threads of its parent (GCC bug 60035), as in
    scikit-learn, LightGBM, XGBoost and PyTorch. It restarts them at their next use. LLVM's and
    Intel's OpenMP handle forks themselves.
    """
    for library in _gnu_openmp(len(sys.modules)):
        library.omp_pause_resource_all(PAUSE_SOFT)


@lru_cache(maxsize=1)  # reading the list takes a millisecond, in each run of a session
def _gnu_openmp(modules: int) -> tuple[Any, ...]:  # noqa: ARG001, nothing is loaded without one
    """Return every loaded GNU OpenMP: wheels bring their own copies."""
    try:
        files = MAPS.read_bytes()
    except OSError:  # macOS, Windows
        return ()
    found = []
    for file in sorted(set(re.findall(rb"/\S*/libgomp\S*", files))) if b"/libgomp" in files else ():
        import ctypes

        with suppress(OSError):  # its file has been removed
            library = ctypes.CDLL(os.fsdecode(file))
            if hasattr(library, "omp_pause_resource_all"):  # GCC 9 or later
                found.append(library)
    return tuple(found)


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
