"""A backend of one's own: a pool of threads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from multiprocessing.pool import ThreadPool

from pytest_parwork.backends import Batch, BatchCall, Event, EventQueue, Reach


class ThreadPoolWorkers:
    eager = False
    start_method = "thread"

    def __init__(self, size: int) -> None:
        self.size = size
        self.pool = ThreadPool(size)
        self.events = EventQueue()

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        for batch in batches:
            self.pool.apply_async(call, (batch,), callback=self.report)

    def report(self, number: int) -> None:
        self.events.put(Event(kind="done", batch=number))

    def poll(self, timeout: float, /) -> Sequence[Event]:
        return self.events.drain(timeout)

    def pids(self) -> Mapping[int, int | None]:
        return {}

    def close(self, _: float, /) -> Collection[int]:
        self.pool.terminate()
        return []


class ThreadPoolBackend:
    reach: Reach = "process"

    def start(self, workers: int, /) -> ThreadPoolWorkers:
        return ThreadPoolWorkers(workers)

    def close(self) -> None:
        pass
