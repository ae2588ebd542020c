"""Runs without pytest, for the tests of the backends."""

from __future__ import annotations

import importlib.util
import multiprocessing
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import cast

from pytest_parwork.backends import (
    UNKNOWN,
    Backend,
    Batch,
    BatchCall,
    Event,
    NetworkWorkers,
    Reach,
    Workers,
    bundled,
)
from pytest_parwork.model.outcome import Run
from pytest_parwork.model.output import Capture
from pytest_parwork.model.work import Configuration, Task, WorkersAsked, Workload
from pytest_parwork.runner import Guard, Progress, RunRequest, execute
from pytest_parwork.runner.outcomes import Outcomes
from pytest_parwork.transport.modules import ModuleTable, project_modules
from pytest_parwork.transport.sources import Sendable

#: The backends whose workers share the memory of the process that runs pytest.
IN_PROCESS = {"serial", "threads", "joblib:threading"}

#: Names that mean the same as another one: the contract runs once, not twice.
ALIASES = {"isolated", "joblib", "multiprocessing", "multiprocessing:apply_async", "processes"}

#: The one pair of start method and method of the pool that meets the contract. The adapter handles
#: them apart, so each start method meets it with `apply_async`, each method with the default start
#: method, and of all the pairs this one.
PAIR = "multiprocessing:spawn:imap"

#: Methods of the pool that hand over as another one does, which stands for them where a test has
#: to wait for seconds.
ALIKE = {
    "multiprocessing:starmap",  # as map
    "multiprocessing:imap_unordered",  # as imap
    "multiprocessing:starmap_async",  # as map_async
}

#: Names that meet the contract in `tox -e sweep` only: these methods of the pool are called and
#: heard of as others are, and spawn and the fork server are met by two other families.
SWEPT = {
    *ALIKE,
    "isolated:spawn",  # the slowest of all, as isolated:fork but for how a process begins
    "isolated:forkserver",  # the same
    "multiprocessing:imap",  # as spawn:imap
    "multiprocessing:map_async",  # as apply_async
    "joblib:dask",  # as dask; what joblib does to it has tests of its own
    "joblib:ray",  # only where it is installed; tox -e ray
}

#: The backend `dask` on a cluster that runs already, whose workers share nothing with the tests.
JOINED = "dask:joined"

#: Backends whose library knows that a worker has ended, and not how; a stack that it left may tell.
TELL_NO_CODES = {"joblib:ray"}

#: Backends of libraries that the tests do not need.
MISSING = {"joblib:ray"} if importlib.util.find_spec("ray") is None else set()

#: The names that the contract runs on.
CONTRACT = [
    *(
        name
        for name in bundled()
        if name not in ALIASES | MISSING and (name.count(":") < 2 or name == PAIR)
    ),
    JOINED,
]


class Carrier:
    """Run tasks on one backend, and keep the runs open until the test ends."""

    def __init__(self, name: str, backend: Backend, *, guard: Guard | None = None) -> None:
        self.name = name
        self.backend = backend
        self._guard = guard
        self._runs: list[Run] = []

    def __call__(
        self,
        tasks: Sequence[Task],
        *,
        workers: WorkersAsked = 2,
        chunksize: WorkersAsked = "auto",
        modules: ModuleTable | None = None,
        capture: Capture | None = None,
        order: Sequence[int] | None = None,
        batches: Sequence[Sequence[int]] | None = None,
        progress: Callable[[Progress], None] | None = None,
        keep: bool = False,
    ) -> Run:
        if modules is None and self.name == JOINED:
            modules = project_modules(Path(__file__).parents[1])
        request = RunRequest(
            workload=Workload(name="contract", tasks=tuple(tasks)),
            configuration=Configuration(backend=self.name, workers=workers, chunksize=chunksize),
            modules=modules or {},
            sendable=Sendable(root=Path("/")),
            order=order,
            batches=batches,
            guard=self._guard,
            capture=capture,
            progress=progress,
            keep=keep,
        )
        return self.keep_open(execute(request, self.backend))

    def keep_open(self, run: Run) -> Run:
        self._runs.append(run)
        return run

    def map(self, function: Callable[..., object], *arguments: tuple[object, ...]) -> Run:
        return self(calls(function, *arguments))

    def close(self) -> None:
        while self._runs:
            outcomes(self._runs.pop()).close()


def calls(function: Callable[..., object], *arguments: tuple[object, ...]) -> list[Task]:
    """Return a task for each tuple of arguments."""
    return [
        Task(id=str(number), function=function, args=args) for number, args in enumerate(arguments)
    ]


def start_method_of(name: str) -> str:
    """Return the start method that the name of a backend ends with, or that of this Python."""
    asked = set(name.split(":")).intersection(multiprocessing.get_all_start_methods())
    return asked.pop() if asked else multiprocessing.get_context().get_start_method() or "fork"


def reported_end(name: str, words: str, *, has_stack: bool = False) -> str:
    """Return how the end of a worker is reported on a backend, where others use these words."""
    if name == JOINED and words == "exit code 0":  # a nanny logs others only
        return UNKNOWN
    return UNKNOWN if name in TELL_NO_CODES and not has_stack else words


def outcomes(run: Run) -> Outcomes:
    assert isinstance(run.outcomes, Outcomes)
    return run.outcomes


class Counting:
    """A backend that counts and keeps what goes through it to another."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.reach: Reach = backend.reach
        self.batches = 0
        self.submitted: list[tuple[int, ...]] = []
        self.call: BatchCall | None = None

    def start(self, workers: int, /) -> Workers:
        return CountingWorkers(self, self.backend.start(workers))

    def close(self) -> None:
        self.backend.close()


class CountingWorkers:
    eager = False

    def __init__(self, backend: Counting, workers: Workers) -> None:
        self.backend = backend
        self.workers = workers
        self.size = workers.size
        self.start_method = workers.start_method

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        self.backend.batches += len(batches)
        self.backend.call = call
        self.backend.submitted += [batch.tasks for batch in batches]
        self.workers.submit(call, batches)

    def poll(self, timeout: float, /) -> Sequence[Event]:
        return self.workers.poll(timeout)

    def pids(self) -> Mapping[int, int | None]:
        return self.workers.pids()

    def release(self) -> None:
        cast("NetworkWorkers", self.workers).release()

    def close(self, deadline: float, /) -> Collection[int]:
        return self.workers.close(deadline)
