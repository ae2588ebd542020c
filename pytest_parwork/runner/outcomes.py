"""The outcomes of a run, loaded when they are asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias, overload

from ..machine.deadline import TimedOut, deadline
from ..machine.stacks import stack_of
from ..model.outcome import Failure, Lost, NotSent, Outcome, OutcomeKind
from ..model.output import Output
from ..model.stats import peak_overlap
from ..transport.ledger import State
from ..worker.fixtures.ended import unfold
from .medium import Results
from .rerun import Rerun

#: The kind of an outcome, and its seconds, 0 if it did not run to its end.
Brief: TypeAlias = tuple[OutcomeKind, float]


class Outcomes(Sequence[Outcome]):
    """One outcome per task, in task order; nothing large is loaded before it is asked for.

    `results` has the stored outcomes; tasks that are `lost`, or `rejected` because they were never
    sent, have none there. `rerun` exists if it was asked for, and is closed separately.
    """

    def __init__(
        self,
        results: Results,
        tasks: int,
        *,
        lost: Mapping[int, Lost],
        rejected: Mapping[int, NotSent],
        rerun: Rerun | None = None,
    ) -> None:
        self._results = results
        self._ledger = results.ledger
        self._tasks = tasks
        self._lost = lost
        self._rejected = rejected
        self._unstored = frozenset((*lost, *rejected))
        self.rerun = rerun
        self._workers = self._number_workers()
        self._overlap: tuple[int, int] | None = None

    def __len__(self) -> int:
        return self._tasks

    @overload
    def __getitem__(self, index: int) -> Outcome: ...
    @overload
    def __getitem__(self, index: slice) -> list[Outcome]: ...
    def __getitem__(self, index: int | slice) -> Outcome | list[Outcome]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(self._tasks))]
        number = index + self._tasks if index < 0 else index
        if not 0 <= number < self._tasks:
            raise IndexError(f"task {index} of a run of {self._tasks}")
        return unfold(self._load(number))

    def load(self, number: int, seconds: float | None) -> Outcome:
        """Return the outcome of a task, lost if it cannot be loaded within `seconds`.

        Loading an outcome of a process runs code of its classes. None is no limit.
        """
        if seconds is None or not self.may_run_code(number):
            loaded = self._load(number)
            return loaded if loaded.failure is None else unfold(loaded)
        try:
            with deadline(seconds):
                return self[number]
        except TimedOut as error:
            lost = Lost(
                reason="timeout",
                detail=f"its result could not be loaded within {seconds:g} s",
                stack=stack_of(error),
            )
            return self._outcome(number, "lost", lost=lost)

    def may_run_code(self, number: int) -> bool:
        """Return whether loading an outcome may run code of its classes."""
        return number not in self._unstored and self._results.may_run_code(number)

    def has_parts(self) -> bool:
        """Return whether any outcome may be more than a plain value."""
        return any(
            number not in self._unstored and self._results.has_parts(number)
            for number in range(self._tasks)
        )

    def is_absent(self, number: int) -> bool:
        """Return whether a task is lost or was not sent, without making its outcome."""
        return number in self._unstored or self._results.kind(number) == "not_sent"

    def take(self, number: int, seconds: float | None = None) -> Outcome:
        """Load an outcome for the last time, and free all memory that it does not need any more."""
        outcome = self.load(number, seconds)
        if number not in self._unstored:
            self._results.note_loaded(number)
        return outcome

    @property
    def workers_used(self) -> int:
        """How many workers ran at least one task, not counting successors of dead ones."""
        return len(set(self._workers.values()))

    @property
    def lost(self) -> int:
        """How many tasks are lost."""
        return len(self._lost)

    @property
    def interrupted(self) -> frozenset[int]:
        """The tasks that had not ended when the run was interrupted."""
        lost = self._lost.items()
        return frozenset(number for number, why in lost if why.reason == "interrupted")

    def overlap(self) -> tuple[int, int]:
        """Return how many workers ran a task, and how many tasks they had at the same time."""
        if self._overlap is None:
            spans = self._ledger.spans()
            peak = peak_overlap((begin, end) for _, begin, end in spans)
            self._overlap = self.workers_used, peak
        return self._overlap

    def alongside(self, number: int) -> list[int]:
        """Return the tasks that ran at the same time as this one, the earliest first."""
        begin, end = self._span(number)
        found = []
        for other in range(len(self)):
            first, last = self._span(other)
            if other != number and first < end and last > begin:
                found.append((first, other))
        return [other for _, other in sorted(found)]

    def _span(self, number: int) -> tuple[float, float]:
        """Return when a task started and ended; a lost one has run until its time was up."""
        _, started, ended = self._ledger.times(number)
        if started is None:
            return math.inf, -math.inf
        lost = self._lost.get(number)
        seconds = sum(one.seconds or 0.0 for one in lost.tries) if lost is not None else 0.0
        return started, ended or started + seconds

    def without_value(self, number: int) -> Outcome:
        """Return the outcome of a task without its value."""
        if self.is_absent(number):
            return self[number]
        return self._outcome(number, self._results.kind(number))

    def briefs(self) -> Sequence[Brief]:
        """Return kind and seconds of every outcome; none may have been freed."""
        return [self._brief(number) for number in range(self._tasks)]

    def _brief(self, number: int) -> Brief:
        if number in self._unstored:
            return ("lost" if number in self._lost else "not_sent"), 0.0
        _, started, ended = self._ledger.times(number)
        seconds = ended - started if started is not None and ended is not None else 0.0
        return self._results.kind(number), seconds

    def started(self) -> tuple[int, ...]:
        """Return the tasks that were started, in this order."""
        starts = [
            (at, task)
            for task in range(self._tasks)
            if (at := self._ledger.times(task)[1]) is not None
        ]
        return tuple(task for _, task in sorted(starts))

    def earlier_in_worker(self, number: int) -> tuple[int, ...]:
        """Return the tasks that the worker of a task had started before it, in order."""
        started = self.started()
        if number not in started:
            return ()
        worker = self._ledger.worker(number)
        before = started[: started.index(number)]
        return tuple(task for task in before if self._ledger.worker(task) == worker)

    def first_and_last(self) -> frozenset[int]:
        """Return the first and the last task of each worker, by when they started."""
        spans: dict[int, list[tuple[float, int]]] = {}
        for number in range(self._tasks):
            _, started, _ = self._ledger.times(number)
            if started is not None:
                worker = self._workers[self._ledger.worker(number)]
                spans.setdefault(worker, []).append((started, number))
        return frozenset(number for span in spans.values() for _, number in (min(span), max(span)))

    def free(self, number: int) -> None:
        """Free the memory of an outcome: large values that were loaded read as zeros then."""
        if number not in self._unstored:
            self._results.free(number)

    def close(self, *, with_rerun: bool = False) -> None:
        """Free everything; a rerun stays unless it is named."""
        self._results.close()
        if with_rerun and self.rerun is not None:
            self.rerun.close()

    def _number_workers(self) -> dict[int, int]:
        """Number the workers 1, 2, … in the order of their arrival.

        A worker that arrived after another had exited takes over the number of that one.
        """
        spans: dict[int, tuple[float, float]] = {}
        for worker, begin, end in self._ledger.spans():
            first, last = spans.get(worker, (begin, end))
            spans[worker] = (min(first, begin), max(last, end))
        numbers: dict[int, int] = {}
        until: list[float] = []  # by number, when its latest worker was last seen
        for worker, (first, last) in sorted(spans.items(), key=lambda item: item[1]):
            free = next((n for n, seen in enumerate(until) if seen <= first), len(until))
            until[free : free + 1] = [last]
            numbers[worker] = free + 1
        return numbers

    def _outcome(
        self,
        number: int,
        kind: OutcomeKind,
        *,
        value: object = None,
        failure: Failure | None = None,
        not_sent: NotSent | None = None,
        lost: Lost | None = None,
    ) -> Outcome:
        arrived, started, ended, process, cpu, has_changed = self._ledger.record(number)
        results = self._results
        is_stored = number not in self._unstored
        return Outcome(
            kind=kind,
            value=value,
            failure=failure,
            not_sent=not_sent,
            lost=lost,
            arrived=arrived,
            started=started,
            ended=ended,
            cpu=cpu,
            worker=None if process is None else self._workers[process],
            process=process,
            has_changed_input=has_changed,
            output=results.output(number) if is_stored else results.output_of_lost(number),
        )

    def output(self, number: int) -> Output | None:
        """Load what a task has printed, logged and warned; None if nothing."""
        if number in self._unstored:
            return self._results.output_of_lost(number)
        return self._results.output(number)

    def _load(self, number: int) -> Outcome:
        if number in self._lost:
            return self._outcome(number, "lost", lost=self._lost[number])
        if number in self._rejected:
            return self._outcome(number, "not_sent", not_sent=self._rejected[number])
        assert self._ledger.state(number) is State.STORED
        kind, value, described = self._results.load(number)
        if type(value) is NotSent:  # not isinstance: see `Copied.of`
            return self._outcome(number, "not_sent", not_sent=value)
        return self._outcome(
            number, kind, value=value if kind == "value" else None, failure=described
        )
