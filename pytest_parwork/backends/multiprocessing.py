"""The backends `multiprocessing…`: `multiprocessing.Pool`, with each start method."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import partial
from multiprocessing.pool import Pool
from queue import SimpleQueue

from ..schedule import Batch
from ..worker import BatchCall
from .base import Backend, Event, PerRun, Reach, drain
from .contexts import Processes, start_methods

__all__ = ["backends"]


class PoolWorkers:
    """One pool, fed with `apply_async`; it says nothing when a worker dies, and refills it."""

    reach: Reach = "machine"
    eager = False

    def __init__(self, workers: int, method: str | None) -> None:
        self.size = workers
        self._processes = Processes(method)
        self.start_method = self._processes.method
        self._pool = Pool(workers, context=self._processes.context)
        self._events: SimpleQueue[Event] = SimpleQueue()

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        for batch in batches:
            self._pool.apply_async(
                call,
                (batch,),
                callback=lambda number: self._events.put(Event(kind="done", batch=number)),
                error_callback=partial(self._failed, batch.number),
            )

    def _failed(self, number: int, error: BaseException) -> None:
        reason = f"{type(error).__name__}: {error}"
        self._events.put(Event(kind="failed", batch=number, reason=reason))

    def poll(self, timeout: float, /) -> Sequence[Event]:
        return drain(self._events, timeout)

    def pids(self) -> Mapping[int, int | None]:
        return self._processes.exit_codes()

    def close(self, deadline: float, /) -> list[int]:
        # `terminate` hangs for ever where a worker died with the queue's lock in its hands.
        ending = threading.Thread(target=self._end, daemon=True)
        ending.start()
        ending.join(deadline)
        return self._processes.end(deadline)

    def _end(self) -> None:
        self._pool.terminate()
        self._pool.join()


def backends() -> dict[str, Backend]:
    """Return the backends by name."""
    return {
        "multiprocessing": PerRun(partial(PoolWorkers, method=None)),
        **{
            f"multiprocessing:{method}": PerRun(partial(PoolWorkers, method=method))
            for method in start_methods()
        },
    }
