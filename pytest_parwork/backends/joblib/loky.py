"""joblib's loky, with an early start and a report of the workers that outlived a crash."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from multiprocessing import active_children
from typing import Any

from joblib import Parallel
from joblib.externals.loky import get_reusable_executor
from joblib.parallel import LokyBackend

from ...machine.exits import hear_of_exit
from ...machine.stacks import writing

#: Seconds that other workers have to write their stacks before loky ends them.
WRITING = 5.0

#: Seconds that submitting a call may take: loky may start its workers for it.
SUBMITTING = 5.0

#: The error of a call that comes too late.
STOPPED = "its workers are being ended"


class ReportingLoky(LokyBackend):  # type: ignore[misc]  # joblib has no types
    """joblib's backend for the name `loky`; to be made in the thread that calls Parallel.

    loky ends all workers when one dies, and reports how one ended, but not which. Before that, it
    makes their calls fail, in its own thread, and notifies joblib there. A worker that is alive
    then has not died by itself; the error keeps these workers as `alive`. Workers that have to
    write their stacks get the time for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._caller = threading.get_ident()
        self._is_stopped = False
        # If a call is over before joblib has registered its callback, joblib submits the next call
        # in the same thread, from within `submit`.
        self._submitting = threading.RLock()
        self._heard: set[int] = set()  # workers whose exit the system reports

    def stop(self) -> None:
        """Submit nothing more; returns when nothing is being submitted.

        loky's thread fails if a call is submitted while it drops all calls: it cannot find that.
        """
        self._is_stopped = True
        if self._submitting.acquire(timeout=SUBMITTING):
            self._submitting.release()

    def submit(self, func: Any, callback: Any = None) -> Any:
        """Submit a call, unless all of them are being dropped."""
        return self._unless_stopped(super().submit, func, callback)

    def apply_async(self, func: Any, callback: Any = None) -> Any:
        """Submit a call; this is the method's name up to joblib 1.4."""
        return self._unless_stopped(super().apply_async, func, callback)

    def _unless_stopped(self, submit: Any, func: Any, callback: Any) -> Any:
        if self._is_stopped:  # perhaps in loky's own thread, for which `stop` must not wait
            raise RuntimeError(STOPPED)
        with self._submitting:
            if self._is_stopped:
                raise RuntimeError(STOPPED)
            future = submit(func, callback)
        self._hear_of_exits()
        return future

    def _hear_of_exits(self) -> None:
        """Have loky's thread wait for the processes, too; so far it only waits for pipes."""
        executor: Any = self._workers
        if executor is None:  # the call was ended meanwhile
            return
        new = {
            pid
            for pid, process in list(executor._processes.items())
            if pid not in self._heard and hear_of_exit(process)
        }
        if new:
            self._heard |= new
            with executor._shutdown_lock:
                executor._executor_manager_thread_wakeup.wakeup()

    def retrieve_result_callback(self, out: Any) -> Any:
        """Return the result of a call that is over, or raise what it raised."""
        try:
            return super().retrieve_result_callback(out)
        except BrokenExecutor as error:
            # In the thread that submits calls it is too late: loky may have ended some by then.
            if not hasattr(error, "alive") and threading.get_ident() != self._caller:
                if writing.acquire(timeout=WRITING):
                    writing.release()
                alive = frozenset(child.pid for child in active_children())
                error.alive = alive  # type: ignore[attr-defined]  # the same for all that failed
            raise


def start_workers(workers: int, arrive: Callable[[], None]) -> None:
    """Start the workers that later calls of Parallel use; each of them calls `arrive`."""
    with Parallel(max(2, workers), backend=ReportingLoky()):  # makes the executor as they want it
        executor = get_reusable_executor(reuse=True)
        for _ in range(max(2, workers)):  # the first one starts all workers
            executor.submit(arrive)
