"""What an adapter provides: workers that take batches and tell what became of them."""

from __future__ import annotations

import math
import signal
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from ..model.work import Batch
from ..worker.calling import BatchCall

__all__ = [
    "LEAVING",
    "UNKNOWN",
    "Backend",
    "Early",
    "Event",
    "EventQueue",
    "Family",
    "NetworkWorkers",
    "PerRun",
    "Reach",
    "Vital",
    "Workers",
    "exit_name",
    "told",
]

#: How a worker ended of which no more is known.
UNKNOWN = "its exit code is unknown"

#: The sign of life of a worker that gives none, but is to exit once it has ended a task.
LEAVING = math.inf

#: What the runner shares with the workers: its memory, the machine, or nothing but what is sent.
Reach = Literal["process", "machine", "network"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What became of a batch; with `batch` None, of all that the workers have in hand.

    `body` is what the call of the batch returned, where nothing is shared with its worker. There,
    `worker` says who has *arrived* with the first task of a batch in hand. A worker that is
    *starting* is a reason for patience: no batch was lost. All workers *gone* is the end: there
    will be no others. `alive` are the process ids of workers that lived when another had died, of a
    library that then ends them too.
    """

    kind: Literal["done", "failed", "broken", "arrived", "starting", "gone"]
    batch: int | None = None
    body: bytes = b""
    worker: str = ""
    reason: str = ""
    alive: frozenset[int] = frozenset()


class EventQueue:
    """Events from any thread for the one that polls.

    No `queue.SimpleQueue`, because up to Python 3.12 its `get` may wait for ever, whatever the
    timeout, where the system holds its thread up for that long at the wrong moment.
    """

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._signal = threading.Lock()  # free once there is something new
        self._signal.acquire()

    def put(self, event: Event) -> None:
        """Add an event."""
        self._events.append(event)
        with suppress(RuntimeError):  # it is free already
            self._signal.release()

    def drain(self, timeout: float) -> list[Event]:
        """Return all events, after waiting up to `timeout` seconds for one; none may come."""
        self._signal.acquire(timeout=timeout)
        found: list[Event] = []
        with suppress(IndexError):
            while True:
                found.append(self._events.popleft())
        return found


class Workers(Protocol):
    """The workers of one run. Adapters start, submit, tell, kill; they never time or retry."""

    @property
    def reach(self) -> Reach:
        """What is shared with the workers."""
        ...

    @property
    def size(self) -> int:
        """How many workers were really granted."""
        ...

    @property
    def eager(self) -> bool:
        """Whether the library wants all batches at once."""
        ...

    @property
    def start_method(self) -> str:
        """How workers come to life, resolved: `fork`, `spawn`, `loky`, `thread` …."""
        ...

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        """Hand batches to the library; returns at once, but on `serial`."""
        ...

    def poll(self, timeout: float, /) -> Sequence[Event]:
        """Wait up to `timeout` seconds for news."""
        ...

    def pids(self) -> Mapping[int, int | None]:
        """Return the exit code of every worker process seen so far, None while it lives."""
        ...

    def close(self, deadline: float, /) -> Collection[int]:
        """End all workers within `deadline` seconds; return the pids of survivors."""
        ...


class NetworkWorkers(Workers, Protocol):
    """Workers with whom nothing is shared."""

    def release(self) -> None:
        """Let those begin that wait for the others with their first task in hand."""
        ...


@runtime_checkable
class Vital(Protocol):
    """Workers whose library hears from them now and then, whatever they run."""

    def signs(self) -> Mapping[int, float]:
        """Return the time of the last sign of life of each worker that has work, by process id.

        It is `LEAVING` for one that is to exit as soon as it has ended a task.
        """
        ...


class Backend(Protocol):
    """A named way to run tasks."""

    def start(self, workers: int, /) -> Workers:
        """Start up to `workers` workers, or get ready to; raises `BackendError`."""
        ...

    def close(self) -> None:
        """Let go of what was kept from one run to the next; the session ends."""
        ...


@runtime_checkable
class Family(Protocol):
    """A backend whose name may go on after a colon: `dask` and `dask:tcp://host:8786`."""

    def named(self, argument: str, /) -> Backend:
        """Return the backend of what stands after the colon; raises `UsageError`.

        Closing the family closes all of them.
        """
        ...


@runtime_checkable
class Early(Protocol):
    """A backend whose workers take their time to start, and serve the runs that come then."""

    def start_early(self, workers: int, arrive: Callable[[], None], /) -> None:
        """Have workers start, each of which calls `arrive`; returns while they do."""
        ...


class PerRun:
    """A backend that keeps nothing from one run to the next.

    `is_threaded` says that cases run beside one another in the process that runs pytest,
    `is_forked` that each runs in a fork of that, made for it.
    """

    def __init__(
        self,
        start: Callable[[int], Workers],
        *,
        is_threaded: bool = False,
        is_forked: bool = False,
    ) -> None:
        self._start = start
        self.is_threaded = is_threaded
        self.is_forked = is_forked

    def start(self, workers: int, /) -> Workers:
        """Start new workers."""
        return self._start(workers)

    def close(self) -> None:
        """Do nothing: each run has let go of its own."""


def told(future: Future[int], batch: Batch) -> Event:
    """Put the end of a future into an event."""
    if future.cancelled():
        return Event(kind="failed", batch=batch.number, reason="it was cancelled")
    error = future.exception()
    if error is None:
        return Event(kind="done", batch=batch.number)
    kind: Literal["broken", "failed"] = "broken" if isinstance(error, BrokenExecutor) else "failed"
    return Event(kind=kind, batch=batch.number, reason=f"{type(error).__name__}: {error}")


def exit_name(code: int) -> str:
    """Name an exit code: `SIGSEGV (signal 11)`, `exit code 3`."""
    if code < 0:
        try:
            return f"{signal.Signals(-code).name} (signal {-code})"
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"
