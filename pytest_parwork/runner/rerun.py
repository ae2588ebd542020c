"""Reruns of tasks of an earlier run, with their original arguments."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate, chain
from typing import TYPE_CHECKING

from ..backends.protocol import Backend
from ..model.errors import ParworkWarning
from ..model.outcome import Run
from ..model.output import Capture
from ..model.work import Configuration, Task, WorkersAsked
from .medium import Snapshot
from .request import RunRequest

if TYPE_CHECKING:
    from ..transport.payload import Around
    from .station import Station


class Rerun:
    """Runs tasks of a run again, with their original arguments.

    In processes each task loads them from the payload that the run has sent. Threads get new copies
    of the copies that were made for the run; the tasks of a rerun share these as they share the
    originals, so a task that is named twice sees its own changes to them. The functions are the
    same objects, and so is everything that they change besides their arguments. `unavailable`
    holds, by task number, why a task cannot be run again.
    """

    def __init__(
        self,
        request: RunRequest,
        snapshot: Snapshot,
        backend: Backend,
        execute: Callable[[Backend, Snapshot | None, RunRequest, Sequence[int]], Run],
    ) -> None:
        self._request = request
        self._snapshot = snapshot
        self._backend = backend
        self._execute = execute
        self._stored: Snapshot | None = None
        self._is_closed = False
        self.unavailable = snapshot.unavailable

    def run(
        self,
        tasks: Sequence[int],
        *,
        batches: Sequence[Sequence[int]] | None = None,
        workers: WorkersAsked | None = None,
        chunksize: WorkersAsked | None = None,
        threads: int | None = None,
        timeout: float | None = None,
        around: Around | None = None,
        is_early: bool = False,
    ) -> Run:
        """Run tasks by their numbers; a task that is named several times runs several times.

        They are submitted in this order, and their outcomes have this order. `batches` are the
        exact batches, of the same tasks in the same order. `threads` is the limit of native
        threads, in place of that of the first run. A task may take `timeout` seconds, in place of
        its own limit. `around` wraps the functions of the tasks where they run. With `is_early`,
        nothing has changed since the first run what forks of this process inherit. Raises
        `ValueError` for tasks that cannot be run, and everything that the first run may raise.
        """
        self._check(tasks, batches, is_early=is_early)
        configuration = self._request.configuration
        if workers is not None:
            configuration = replace(configuration, workers=workers)
        if chunksize is not None:
            configuration = replace(configuration, chunksize=chunksize)
        request = self._again(tasks, configuration, batches, around)
        if threads is not None:
            request = replace(request, threads=threads)
        if timeout is not None:
            limited = tuple(replace(one, timeout=timeout) for one in request.workload.tasks)
            request = replace(request, workload=replace(request.workload, tasks=limited))
        return self._execute(self._backend, self._snapshot, request, tasks)

    def run_elsewhere(
        self,
        tasks: Sequence[int],
        backend: Backend,
        configuration: Configuration,
        *,
        timeout: float | None = None,
        threads: int | None = None,
        around: Around | None = None,
        alongside: Sequence[int] = (),
    ) -> Run:
        """Run tasks in processes of this machine that another backend starts, like `run`.

        A task may take `timeout` seconds, in place of its own limit. What the tasks print is
        captured and dropped.
        """
        self._check(tasks, None)
        if self._stored is None:
            self._stored = self._snapshot.stored(self._request.workload.tasks)
        request = self._again(tasks, configuration, None, around)
        if timeout is not None:
            limited = tuple(replace(one, timeout=timeout) for one in request.workload.tasks)
            request = replace(request, workload=replace(request.workload, tasks=limited))
        capture = replace(request.capture or Capture(), streams=True)
        request = replace(request, capture=capture, threads=threads or request.threads)
        return self._execute(backend, self._stored, request, [*tasks, *alongside])

    def station(self, tasks: Sequence[int], backend: Backend) -> Station:
        """Start a process of this machine that has these tasks, and runs none by itself.

        What is printed there is captured and dropped.
        """
        self._check(tasks, None)
        if self._stored is None:
            self._stored = self._snapshot.stored(self._request.workload.tasks)
        request = self._again(tasks, Configuration(backend="a station", workers=1), None, None)
        capture = replace(request.capture or Capture(), streams=True)
        from .station import Station  # here, because most runs are never repeated

        return Station(backend, self._stored, replace(request, capture=capture), tasks)

    @property
    def tasks(self) -> Sequence[Task]:
        """The tasks of the first run, with what has become of their original arguments."""
        return self._request.workload.tasks

    def run_in_fork(
        self, number: int, function: Callable[[], object], backend: Backend, *, timeout: float
    ) -> Run:
        """Run a function in place of a task, in a process that a backend forks from this one.

        Nothing is sent there; the function finds everything as it is here.
        """
        self._check([], None)
        configuration = Configuration(backend="a fork of this process", workers=1)
        request = self._again([number], configuration, None, None)
        task = replace(
            self.tasks[number],
            function=function,
            address=None,
            args=(),
            kwargs={},
            timeout=timeout,
            is_inherited=True,
        )
        capture = replace(request.capture or Capture(), streams=True)
        workload = replace(request.workload, tasks=(task,))
        request = replace(request, workload=workload, capture=capture)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ParworkWarning)  # the user did not ask for a fork
            return self._execute(backend, None, request, [0])

    def _again(
        self,
        tasks: Sequence[int],
        configuration: Configuration,
        batches: Sequence[Sequence[int]] | None,
        around: Around | None,
    ) -> RunRequest:
        """Return the request for a rerun of tasks, renumbered in their order."""
        known = self.tasks
        capture = self._request.capture
        ends = accumulate(map(len, batches)) if batches is not None else ()
        # One worker runs one task at a time; lanes would only change the order.
        is_fixed, lanes = batches is not None or configuration.workers == 1, self._request.lanes
        return replace(
            self._request,
            workload=replace(self._request.workload, tasks=tuple(known[n] for n in tasks)),
            configuration=configuration,
            durations=None,
            order=range(len(tasks)) if batches is None else None,
            batches=None
            if batches is None
            else [range(end - len(b), end) for b, end in zip(batches, ends, strict=True)],
            lanes={} if is_fixed else {at: lanes[n] for at, n in enumerate(tasks) if n in lanes},
            copies=1,
            stop=None,
            progress=None,
            keep=False,
            capture=capture.excerpt(tasks) if capture is not None else None,
            around=around,
        )

    def _check(
        self,
        tasks: Sequence[int],
        batches: Sequence[Sequence[int]] | None,
        *,
        is_early: bool = False,
    ) -> None:
        if self._is_closed:
            raise ValueError(f"the rerun of {self._request.workload.name} is closed")
        known = len(self._request.workload.tasks)
        for number in tasks:
            if not 0 <= number < known:
                raise ValueError(f"there is no task {number}: the run had {known}")
            if number in self.unavailable and not (is_early and self.tasks[number].is_inherited):
                raise ValueError(
                    f"task {number} cannot be run again: {self.unavailable[number]}; leave it out"
                )
        if batches is not None and list(chain.from_iterable(batches)) != list(tasks):
            raise ValueError(
                f"batches {[list(batch) for batch in batches]} are not the tasks {list(tasks)} in "
                f"their order; name each of these once, in order"
            )

    def close(self) -> None:
        """Free the arguments of the tasks, also where somebody still holds the rerun."""
        self._is_closed = True
        workload = replace(self._request.workload, tasks=())
        self._request = replace(self._request, workload=workload, order=None, batches=None)
        if self._stored is not None:
            self._stored.close()
        self._snapshot.close()
