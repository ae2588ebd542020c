"""The backends `processes…`: `concurrent.futures.ProcessPoolExecutor`, with each start method."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import TYPE_CHECKING

from ..machine.interrupts import Deferral
from ..model.work import Batch
from .parts import EventQueue, event_of
from .protocol import Event

if TYPE_CHECKING:
    from ..worker.calling import BatchCall


class ProcessWorkers:
    """As many executors as workers, with one process each.

    An executor that loses one of its processes kills the innocent others, too. With one process
    each, a crash costs one start and affects no other task.
    """

    eager = False

    def __init__(self, workers: int, method: str | None, *, avoid: str = "") -> None:
        from ..machine.contexts import Processes  # a session on threads needs none

        self.size = workers
        self._processes = Processes(method, may_change=True, avoid=avoid)
        self.start_method = self._processes.method
        self.avoided = self._processes.threads
        self._executors = [self._executor() for _ in range(workers)]
        # Kept, because an executor that is deleted while it notices the death of its process waits
        # for its own lock for ever (Python 3.13.0, `weakref_cb` under `terminate_broken`).
        self._broken: list[ProcessPoolExecutor] = []
        self._busy = [0] * workers
        self._events = EventQueue()

    def _executor(self) -> ProcessPoolExecutor:
        with Deferral():  # else Ctrl-C could leave a semaphore that nobody knows
            return ProcessPoolExecutor(1, mp_context=self._processes.context)

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        for batch in batches:
            place = self._busy.index(min(self._busy))
            try:
                future = self._executors[place].submit(call, batch)
            except BrokenProcessPool:
                self._broken.append(self._executors[place])
                self._executors[place] = self._executor()
                future = self._executors[place].submit(call, batch)
            self._busy[place] += 1
            future.add_done_callback(partial(self._report, batch, place))

    def _report(self, batch: Batch, place: int, future: Future[int]) -> None:
        self._busy[place] -= 1
        self._events.put(event_of(future, batch))

    def poll(self, timeout: float, /) -> Sequence[Event]:
        return self._events.drain(timeout)

    def pids(self) -> Mapping[int, int | None]:
        return self._processes.exit_codes()

    def close(self, deadline: float, /) -> list[int]:
        # A single call that waits: after a first one that does not, a second would not wait.
        ending = threading.Thread(target=self._end, daemon=True)
        ending.start()
        ending.join(deadline)
        survivors = self._processes.end(deadline)
        ending.join(deadline)
        return survivors

    def _end(self) -> None:
        for executor in [*self._broken, *self._executors]:
            executor.shutdown(wait=True, cancel_futures=True)
