"""A backend of one's own, a pool of threads, and what "the same" means for a class of one's own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from multiprocessing.pool import ThreadPool

from matrix import Matrix

from pytest_parwork import Mismatch, Policy, compare
from pytest_parwork.backends import Backend, Batch, BatchCall, Event, EventQueue, Reach


class ThreadPoolWorkers:
    eager = False
    start_method = "thread"

    def __init__(self, size: int) -> None:
        self.size = size
        self.pool = ThreadPool(size)
        self.events = EventQueue()

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        for batch in batches:
            self.pool.apply_async(call, (batch,), callback=self.tell)

    def tell(self, number: int) -> None:
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


def pytest_parwork_backends() -> Mapping[str, Backend]:
    return {"threadpool": ThreadPoolBackend()}


def pytest_parwork_compare(
    actual: object, expected: object, path: str, policy: Policy
) -> Sequence[Mismatch] | None:
    """Compare matrices by shape and elements: a zero that is stored is none."""
    if not (isinstance(actual, Matrix) and isinstance(expected, Matrix)):
        return None
    if actual.shape != expected.shape:
        shapes = [str(matrix.shape) for matrix in (actual, expected)]
        return [Mismatch(path=f"{path}.shape", kind="shape", actual=shapes[0], expected=shapes[1])]
    found = []
    for place in sorted({*actual.elements, *expected.elements}):
        left, right = (matrix.elements.get(place, 0.0) for matrix in (actual, expected))
        if not compare(left, right, policy):
            at = f"{path}[{place[0]}, {place[1]}]"
            found.append(Mismatch(path=at, kind="value", actual=str(left), expected=str(right)))
    return found
