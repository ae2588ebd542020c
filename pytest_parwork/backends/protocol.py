"""The protocols of backends: workers that run batches and report what became of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from inspect import getattr_static
from typing import TYPE_CHECKING, Literal, Protocol, get_args, runtime_checkable

from ..machine.abilities import missing_for_processes, missing_for_threads
from ..model.dataclass import dataclass
from ..model.errors import UsageError
from ..model.public import BACKENDS, public
from ..model.work import Batch

if TYPE_CHECKING:
    from ..worker.calling import BatchCall

#: How a worker ended if nothing more is known.
UNKNOWN = "its exit code is unknown"

#: The sign of life of a worker that gives none, but has to exit as soon as it has ended a task.
LEAVING = math.inf

#: What pytest's process shares with the workers: its memory, if they are its threads; the machine,
#: if they are processes; or nothing except what is sent over the network.
Reach = Literal["process", "machine", "network"]

#: Where tasks run, if they may do more there than the reach of their backend allows.
Place = Literal["caller", "fork"]


@public(BACKENDS)
@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What became of the batch with that number; with `batch` None, of all submitted batches.

    - `done`: the call of the batch returned. With reach `"network"`, `body` is what it returned.
      `reason` says how its process ended, if it has; it counts for tasks without an outcome.
    - `failed`: the library gave the batch up, and its worker lives; `reason` says why.
    - `broken`: its worker died, or with `batch` None all workers did. `alive` are the process
      ids of workers that still lived when another had died, if the library then ends them, too.
    - `arrived`: with reach `"network"` only, the worker named `worker` has the first task of the
      batch and waits for `release`.
    - `starting`: no batch is lost, but workers are still starting.
    - `gone`: there are no workers any more, and no others will start.

    With `is_innocent`, an earlier task had broken the worker, so that the library could not run the
    batch there. The batch is sent again, also if it meets another such worker. `worker` names that
    worker if the library knows it: by its process id with reach `"machine"`, by its place with
    reach `"network"`. One that fails several times before it is replaced counts once then.

    An event about a batch that has ended already is ignored. The data that workers share with
    pytest take precedence over events, so a library that reports nothing costs time, but no
    outcome.
    """

    kind: Literal["done", "failed", "broken", "arrived", "starting", "gone"]
    batch: int | None = None
    body: bytes = b""
    worker: str = ""
    reason: str = ""
    alive: frozenset[int] = frozenset()
    is_innocent: bool = False


@public(BACKENDS)
class Workers(Protocol):
    """The workers of one run. They only start, run and end; parwork times, compares and retries.

    All methods are called from one thread.
    """

    @property
    def size(self) -> int:
        """The actual number of workers, at least 1."""
        ...

    @property
    def eager(self) -> bool:
        """Whether the library needs all batches of a run in one `submit`."""
        ...

    @property
    def start_method(self) -> str:
        """How a worker is started, for reports: `fork`, `spawn`, `loky`, `thread` ….

        `fork` also means that workers are forks of pytest's process and inherit its state.
        """
        ...

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        """Have a worker run `call(batch)` for each of `batches`; return at once.

        With reach `"process"` the call runs in this process; else it is pickled. The call catches
        whatever tasks raise. An exception from `submit` means that nothing can be submitted any
        more.
        """
        ...

    def poll(self, timeout: float, /) -> Sequence[Event]:
        """Return the events since the last call, after waiting up to `timeout` seconds for one.

        It is called about twenty times a second, and never after `close`.
        """
        ...

    def pids(self) -> Mapping[int, int | None]:
        """Return the exit code of every worker process so far, None while it runs.

        Negative codes are signals, 0 is no crash. Empty for threads, and if the library does not
        know its processes; parwork then finds out what the system reports.
        """
        ...

    def close(self, deadline: float, /) -> Collection[int]:
        """End all workers within about `deadline` seconds; return the pids of those that survive.

        Tasks may still be running; their outcomes are not needed any more.
        """
        ...


@public(BACKENDS)
class NetworkWorkers(Workers, Protocol):
    """Workers of backends with reach `"network"`, which share nothing with pytest's process.

    Their call returns bytes, which `Event.body` brings back. `call(batch, place=name)` names the
    process in which it runs; otherwise it is named by its host and process id. With
    `announce=function` the call passes the name of the worker to the function, for an `arrived`
    event, and waits for `release`; otherwise it does not wait.
    """

    def release(self) -> None:
        """Start the tasks that wait for other workers; do nothing if none waits."""
        ...


@public(BACKENDS)
@runtime_checkable
class Vital(Protocol):
    """Workers whose library receives signs of life from them, whatever they run; optional."""

    def signs(self) -> Mapping[int, float]:
        """Return the time of the last sign of life of each worker that has work, by process id.

        It is `LEAVING` for a worker that has to exit as soon as it has ended a task.
        """
        ...


@public(BACKENDS)
class Backend(Protocol):
    """A named way to run tasks.

    `Family`, `Early`, `Conditional` and `Placed` are optional additions to it.
    """

    @property
    def reach(self) -> Reach:
        """What pytest's process shares with the workers; known before they start.

        `"process"`: they are threads, so a test must not change state of the whole process
        (`monkeypatch`, `capsys`), and a crash ends pytest. `"machine"`: they are processes that map
        files of this process. `"network"`: they may be anywhere, and are sent everything they need.
        """
        ...

    def start(self, workers: int, /) -> Workers:
        """Start up to `workers` workers, or prepare it; raises `BackendError` if that fails."""
        ...

    def close(self) -> None:
        """Release everything that was kept between runs, because the session ends.

        The backend may be started again afterwards, in the next session of this process.
        """
        ...


@public(BACKENDS)
@runtime_checkable
class Family(Protocol):
    """A backend whose name may continue after a colon: `dask` and `dask:tcp://host:8786`."""

    def named(self, argument: str, /) -> Backend:
        """Return the backend for the text after the colon; raises `UsageError`.

        Closing the family closes all its backends.
        """
        ...


@runtime_checkable
class Ambient(Protocol):
    """A backend whose library runs calls of other code in parallel, where it is asked to."""

    def ambient(self, workers: int, /) -> AbstractContextManager[None]:
        """Return a context in which such calls run on so many workers."""
        ...


@public(BACKENDS)
@runtime_checkable
class Early(Protocol):
    """A backend whose workers are slow to start, and are reused by the following runs."""

    def start_early(self, workers: int, arrive: Callable[[], None], /) -> None:
        """Start workers while pytest collects, each of which calls `arrive`; return at once."""
        ...


@public(BACKENDS)
@runtime_checkable
class Conditional(Protocol):
    """A backend that some systems lack something for, such as a library."""

    def obstacle(self) -> str:
        """Return in one line why it cannot start here, with the remedy; empty if it can.

        It is asked once for each test while pytest collects, and reported as a usage error.
        """
        ...


@public(BACKENDS)
@runtime_checkable
class Placed(Protocol):
    """A backend whose tasks may do more than its reach allows, because of where they run."""

    @property
    def place(self) -> Place | None:
        """Where tasks run, None if the place is not special.

        `"caller"`: in the thread that runs pytest, one after the other, so that they may change the
        whole process as in a serial run. `"fork"`: each in its own fork of pytest's process, made
        after the task was submitted, so that no part of the task has to be sent.
        """
        ...


def check_reach(name: str, backend: Backend) -> Backend:
    """Return `backend`; raises `UsageError` if it has no valid reach."""
    # A property is not evaluated: that of dask reads the configuration of dask.
    reach = getattr_static(backend, "reach", None) or getattr(backend, "reach", None)
    if reach is None or (isinstance(reach, str) and reach not in get_args(Reach)):
        has = "no reach" if reach is None else f"reach={reach!r}"
        raise UsageError(
            f"the backend {name!r} (class {type(backend).__name__}) has {has}; set it to 'process' "
            f"where its workers are threads of pytest's process, 'machine' where they are other "
            f"processes on this machine, 'network' where they share no memory or files with it"
        )
    return backend


def obstacle_of(backend: Backend) -> str:
    """Return why a backend cannot start on this system, empty if nothing is known."""
    ask: Callable[[], str] | None = getattr(backend, "obstacle", None)
    if ask is not None and (why := ask()):
        return why
    if place_of(backend) == "caller":
        return ""
    return missing_for_threads() if backend.reach == "process" else missing_for_processes()


def place_of(backend: Backend) -> Place | None:
    """Return the special place in which tasks of `backend` run, None if there is none."""
    # Not by `isinstance`: for a protocol that takes 7 us, and it is asked for every test.
    place: Place | None = getattr(backend, "place", None)
    return place


def is_threaded(backend: Backend) -> bool:
    """Return whether tasks run at the same time in pytest's process."""
    return backend.reach == "process" and place_of(backend) != "caller"
