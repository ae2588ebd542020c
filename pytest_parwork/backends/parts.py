"""The parts that adapters are built from."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from ..model.public import BACKENDS, public
from ..model.work import Batch
from .protocol import Event, Place, Reach, Workers

if TYPE_CHECKING:
    from concurrent.futures import Future


@public(BACKENDS)
class EventQueue:
    """Events from any thread for the one that polls.

    This is not a `queue.SimpleQueue`: up to Python 3.12 its `get` may wait for ever, whatever the
    timeout, if the system suspends its thread for that long at the wrong moment.
    """

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._signal = threading.Lock()  # free once there is something new
        self._signal.acquire()

    def put(self, event: Event) -> None:
        """Add an event."""
        self._events.append(event)
        with suppress(RuntimeError):  # it is free already, because of an earlier event
            self._signal.release()

    def drain(self, timeout: float) -> list[Event]:
        """Return all events, after waiting up to `timeout` seconds for one; none may come."""
        self._signal.acquire(timeout=timeout)
        found: list[Event] = []
        with suppress(IndexError):
            while True:
                found.append(self._events.popleft())
        return found


@public(BACKENDS)
class PerRun:
    """A backend that keeps nothing from one run to the next: `start` is all it does."""

    def __init__(
        self, start: Callable[[int], Workers], *, reach: Reach, place: Place | None = None
    ) -> None:
        self._start = start
        self.reach: Reach = reach
        self.place = place

    def start(self, workers: int, /) -> Workers:
        """Start new workers."""
        return self._start(workers)

    def close(self) -> None:
        """Do nothing, because each run has closed its own workers."""


class Flexible:
    """A backend like `PerRun`, on this machine, whose workers need not be started by fork.

    `start` also takes `avoid`, which names the threads that forks would lack, if there are any.
    """

    reach: Reach = "machine"
    place: Place | None = None

    def __init__(self, start: Callable[..., Workers]) -> None:
        self._start = start

    def start(self, workers: int, /, *, avoid: str = "") -> Workers:
        """Start new workers, which are no forks if there is something to avoid."""
        return self._start(workers, avoid=avoid)

    def close(self) -> None:
        """Do nothing, because each run has closed its own workers."""


@public(BACKENDS)
def event_of(future: Future[int], batch: Batch) -> Event:
    """Return the event of a batch whose future is done."""
    from concurrent.futures import BrokenExecutor  # here, for workers that unpickle events

    if future.cancelled():
        return Event(kind="failed", batch=batch.number, reason="it was cancelled")
    error = future.exception()
    if error is None:
        return Event(kind="done", batch=batch.number)
    kind: Literal["broken", "failed"] = "broken" if isinstance(error, BrokenExecutor) else "failed"
    return Event(kind=kind, batch=batch.number, reason=f"{type(error).__name__}: {error}")
