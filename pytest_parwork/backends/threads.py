"""The backend `threads`: `concurrent.futures.ThreadPoolExecutor`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from queue import SimpleQueue

from ..schedule import Batch
from ..worker import BatchCall
from .base import Backend, Event, PerRun, Reach, drain, told

__all__ = ["backends"]


class ThreadWorkers:
    """One executor; its threads start on demand."""

    reach: Reach = "process"
    eager = False
    start_method = "thread"

    def __init__(self, workers: int) -> None:
        self.size = workers
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="parwork")
        self._open: set[Future[int]] = set()
        self._events: SimpleQueue[Event] = SimpleQueue()

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        for batch in batches:
            future = self._executor.submit(call, batch)
            self._open.add(future)
            future.add_done_callback(partial(self._tell, batch))

    def _tell(self, batch: Batch, future: Future[int]) -> None:
        self._open.discard(future)
        self._events.put(told(future, batch))

    def poll(self, timeout: float, /) -> Sequence[Event]:
        return drain(self._events, timeout)

    def pids(self) -> Mapping[int, int | None]:
        return {}

    def close(self, deadline: float, /) -> list[int]:
        self._executor.shutdown(wait=False, cancel_futures=True)
        # A thread cannot be ended: one whose task goes on is left behind.
        _, still_running = wait(set(self._open), deadline)
        if not still_running:
            self._executor.shutdown(wait=True)
        return []


def backends() -> dict[str, Backend]:
    """Return the backend by name."""
    return {"threads": PerRun(ThreadWorkers)}
