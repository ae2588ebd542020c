"""What a backend provides: workers that run batches and report what became of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from inspect import getattr_static
from typing import Literal, Protocol, get_args, runtime_checkable

from ..model.errors import UsageError
from ..model.public import BACKENDS, public
from ..model.work import Batch
from ..worker.calling import BatchCall

#: How a worker ended of which no more is known.
UNKNOWN = "its exit code is unknown"

#: The sign of life of a worker that gives none, but is to exit once it has ended a task.
LEAVING = math.inf

#: What pytest's process shares with the workers: its memory, where they are threads of it; the
#: machine, where they are processes; or nothing but what is sent over the network.
Reach = Literal["process", "machine", "network"]

#: Where tasks run that may do more than the reach of their backend allows.
Place = Literal["caller", "fork"]


@public(BACKENDS)
@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What became of the batch with that number; with `batch` None, of all that are submitted.

    - `done`: the call of the batch returned. With reach `"network"`, `body` is what it returned.
    - `failed`: the library gave it up, and its worker lives; `reason` says why.
    - `broken`: its worker died, or with `batch` None all of them did. `alive` are the process ids
      of workers that lived when another had died, of a library that then ends them too.
    - `arrived`: with reach `"network"` only, the worker named `worker` has the first task of the
      batch and waits for `release`.
    - `starting`: no batch is lost, but workers take their time to start.
    - `gone`: there are no workers any more, and there will be no others.

    An event about a batch that has ended already is ignored, and what a worker shares with pytest
    says more than any event: so a library that reports nothing at all costs time, but no outcome.
    """

    kind: Literal["done", "failed", "broken", "arrived", "starting", "gone"]
    batch: int | None = None
    body: bytes = b""
    worker: str = ""
    reason: str = ""
    alive: frozenset[int] = frozenset()


@public(BACKENDS)
class Workers(Protocol):
    """The workers of one run. They start, run and end; parwork times, compares and retries.

    All methods are called from one thread.
    """

    @property
    def size(self) -> int:
        """How many workers there really are, at least 1."""
        ...

    @property
    def eager(self) -> bool:
        """Whether the library needs all batches of a run in one `submit`."""
        ...

    @property
    def start_method(self) -> str:
        """How a worker comes to life, for reports: `fork`, `spawn`, `loky`, `thread` ….

        `fork` says more: that workers are forks of pytest's process, and inherit its state.
        """
        ...

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        """Have a worker run `call(batch)` for each of `batches`; return at once.

        With reach `"process"` the call runs where it is; else it is pickled. It catches all that
        tasks raise. An exception from here means that nothing can be submitted any more.
        """
        ...

    def poll(self, timeout: float, /) -> Sequence[Event]:
        """Return what happened since the last time, after waiting up to `timeout` seconds for it.

        It is called about twenty times a second, and never after `close`.
        """
        ...

    def pids(self) -> Mapping[int, int | None]:
        """Return the exit code of every worker process so far, None while it runs.

        Negative codes are signals, 0 is no crash. Empty for threads, and where the library does
        not know its processes: parwork then finds out as far as the system tells.
        """
        ...

    def close(self, deadline: float, /) -> Collection[int]:
        """End all workers within about `deadline` seconds; return the pids of those that survive.

        It may be in the middle of tasks: nobody waits for these any more.
        """
        ...


@public(BACKENDS)
class NetworkWorkers(Workers, Protocol):
    """Workers with whom nothing is shared: what backends of reach `"network"` start.

    Their call returns bytes, which `Event.body` brings back. `call(batch, place=name)` names the
    process in which it runs; without, its host and process id do. With `announce=function` the call
    passes the name of the worker to the function, for an `arrived` event, and waits for `release`;
    without, it does not wait.
    """

    def release(self) -> None:
        """Let those tasks start that wait for other workers; where none waits, do nothing."""
        ...


@public(BACKENDS)
@runtime_checkable
class Vital(Protocol):
    """Workers whose library hears from them now and then, whatever they run; optional."""

    def signs(self) -> Mapping[int, float]:
        """Return the time of the last sign of life of each worker that has work, by process id.

        It is `LEAVING` for one that is to exit as soon as it has ended a task.
        """
        ...


@public(BACKENDS)
class Backend(Protocol):
    """A named way to run tasks; `Family`, `Early` and `Placed` are optional additions to it."""

    @property
    def reach(self) -> Reach:
        """What pytest's process shares with the workers; known before they start.

        `"process"`: they are threads, so a test may not change the whole process (`monkeypatch`,
        `capsys`), and one that crashes ends pytest. `"machine"`: they are processes that map the
        files of this one. `"network"`: they may be anywhere, and are sent all that they need.
        """
        ...

    def start(self, workers: int, /) -> Workers:
        """Start up to `workers` workers, or prepare to; raises `BackendError` if that fails."""
        ...

    def close(self) -> None:
        """Release what was kept from one run to the next: the session ends.

        It may be started again after that, in the next session of this process.
        """
        ...


@public(BACKENDS)
@runtime_checkable
class Family(Protocol):
    """A backend whose name may go on after a colon: `dask` and `dask:tcp://host:8786`."""

    def named(self, argument: str, /) -> Backend:
        """Return the backend for what follows the colon; raises `UsageError`.

        Closing the family closes all of them.
        """
        ...


@public(BACKENDS)
@runtime_checkable
class Early(Protocol):
    """A backend whose workers are slow to start, and serve the runs that come then."""

    def start_early(self, workers: int, arrive: Callable[[], None], /) -> None:
        """Start workers while pytest collects, each of which calls `arrive`; return at once."""
        ...


@public(BACKENDS)
@runtime_checkable
class Placed(Protocol):
    """A backend whose tasks may do more than its reach allows, because of the place they run in."""

    @property
    def place(self) -> Place | None:
        """Where tasks run, None if there is nothing special about it.

        `"caller"`: in the thread that runs pytest, one after the other, so that they may change the
        whole process as in a serial run. `"fork"`: each in a fork of pytest's process, made for it
        after it was submitted, so that nothing of it has to be sent.
        """
        ...


def check_reach(name: str, backend: Backend) -> Backend:
    """Return `backend`; raises `UsageError` where it does not say what its reach is."""
    # A property is not asked: that of dask reads the configuration of dask.
    reach = getattr_static(backend, "reach", None) or getattr(backend, "reach", None)
    if reach is None or (isinstance(reach, str) and reach not in get_args(Reach)):
        has = "no reach" if reach is None else f"reach={reach!r}"
        raise UsageError(
            f"the backend {name!r} (class {type(backend).__name__}) has {has}; set it to 'process' "
            f"where its workers are threads of pytest's process, 'machine' where they are other "
            f"processes on this machine, 'network' where they share no memory or files with it"
        )
    return backend


def place_of(backend: Backend) -> Place | None:
    """Return the special place in which tasks of `backend` run, None if there is none."""
    return backend.place if isinstance(backend, Placed) else None


def is_threaded(backend: Backend) -> bool:
    """Return whether tasks run alongside one another in pytest's process."""
    return backend.reach == "process" and place_of(backend) != "caller"
