"""Reruns of tasks of an earlier run, with their original arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate, chain

from ..model.outcome import Run
from ..model.work import WorkersAsked
from .medium import Snapshot
from .request import RunRequest


class Rerun:
    """Runs tasks of a run again, on the same backend, with their original arguments.

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
        execute: Callable[[RunRequest, Sequence[int]], Run],
    ) -> None:
        self._request = request
        self._snapshot = snapshot
        self._execute = execute
        self._is_closed = False
        self.unavailable = snapshot.unavailable

    def run(
        self,
        tasks: Sequence[int],
        *,
        batches: Sequence[Sequence[int]] | None = None,
        workers: WorkersAsked | None = None,
    ) -> Run:
        """Run tasks by their numbers; a task that is named several times runs several times.

        They are submitted in this order, and their outcomes have this order. `batches` are the
        exact batches, of the same tasks in the same order. Raises `ValueError` for tasks that
        cannot be run, and everything that the first run may raise.
        """
        if self._is_closed:
            raise ValueError(f"the rerun of {self._request.workload.name} is closed")
        self._check(tasks, batches)
        ends = accumulate(map(len, batches)) if batches is not None else ()
        request = replace(
            self._request,
            workload=replace(
                self._request.workload,
                tasks=tuple(self._request.workload.tasks[number] for number in tasks),
            ),
            configuration=replace(
                self._request.configuration,
                workers=self._request.configuration.workers if workers is None else workers,
            ),
            durations=None,
            order=range(len(tasks)) if batches is None else None,
            batches=None
            if batches is None
            else [range(end - len(b), end) for b, end in zip(batches, ends, strict=True)],
            stop=None,
            progress=None,
            keep=False,
        )
        return self._execute(request, tasks)

    def _check(self, tasks: Sequence[int], batches: Sequence[Sequence[int]] | None) -> None:
        known = len(self._request.workload.tasks)
        for number in tasks:
            if not 0 <= number < known:
                raise ValueError(f"there is no task {number}: the run had {known}")
            if number in self.unavailable:
                raise ValueError(
                    f"task {number} cannot be run again: {self.unavailable[number]}; leave it out"
                )
        if batches is not None and list(chain.from_iterable(batches)) != list(tasks):
            raise ValueError(
                f"batches {[list(batch) for batch in batches]} are not the tasks {list(tasks)} in "
                f"their order; name each of these once, in order"
            )

    def close(self) -> None:
        """Free the arguments of the tasks."""
        self._is_closed = True
        self._snapshot.close()
