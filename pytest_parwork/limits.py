"""The limit of native threads, the same in the workers and in the serial run."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, nullcontext

__all__ = ["THREAD_VARIABLES", "Limits", "limit_worker"]

#: Where libraries look up their number of threads when they are loaded.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def limit_worker(threads: int) -> None:
    """Limit the libraries that are loaded, and those that a task or an argument will load."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    if {"numpy", "torch"} & sys.modules.keys():
        import threadpoolctl

        threadpoolctl.threadpool_limits(limits=threads)


class Limits:
    """The limit of native threads that the workers have, for the serial run too.

    Libraries that are loaded only later, inside a task, are not limited.
    """

    def __init__(self, threads: int | None) -> None:
        self._threads = threads
        self._controller = None
        if threads is not None and {"numpy", "torch"} & sys.modules.keys():
            import threadpoolctl

            controller = threadpoolctl.ThreadpoolController()
            if controller.info():
                self._controller = controller

    def hold(self) -> AbstractContextManager[object]:
        """Keep to the limit inside."""
        if self._controller is None:
            return nullcontext()
        limit: AbstractContextManager[object] = self._controller.limit(limits=self._threads)
        return limit
