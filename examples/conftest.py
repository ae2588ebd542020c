"""A backend of one's own, `threadpool`: the pool of threads of multiprocessing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from multiprocessing.pool import ThreadPool
from queue import SimpleQueue

from pytest_parwork.backends.base import Backend, Event, Reach, drain
from pytest_parwork.carrying import BatchCall
from pytest_parwork.schedule import Batch


class ThreadPoolWorkers:
    reach: Reach = "process"
    eager = False
    start_method = "thread"

    def __init__(self, size: int) -> None:
        self.size = size
        self.pool = ThreadPool(size)
        self.events: SimpleQueue[Event] = SimpleQueue()

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        for batch in batches:
            self.pool.apply_async(call, (batch,), callback=self.tell)

    def tell(self, number: int) -> None:
        self.events.put(Event(kind="done", batch=number))

    def poll(self, timeout: float, /) -> Sequence[Event]:
        return drain(self.events, timeout)

    def pids(self) -> Mapping[int, int | None]:
        return {}

    def close(self, _: float, /) -> Collection[int]:
        self.pool.terminate()
        return []


class ThreadPoolBackend:
    def start(self, workers: int, /) -> ThreadPoolWorkers:
        return ThreadPoolWorkers(workers)

    def close(self) -> None:
        pass


def pytest_parwork_backends() -> Mapping[str, Backend]:
    return {"threadpool": ThreadPoolBackend()}
