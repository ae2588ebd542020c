"""The outcomes of a run, loaded from memory or spools when they are asked for."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, overload

from ..machine.deadline import TimedOut, deadline
from ..machine.stacks import stack_of
from ..model.errors import PayloadError
from ..model.outcome import Failure, Lost, Outcome
from ..model.output import Output
from ..model.stats import peak_overlap
from ..transport.failures import describe
from ..transport.ledger import Files, Ledger, State
from ..transport.spool import WORTH_RELEASING, is_in_band, length_at, read_record, release_region
from ..worker.fixtures.ended import unfold
from ..worker.threads import Remembered

__all__ = ["Outcomes"]

#: The opcode by which a pickle names a function or a class.
NAMING = pickle.STACK_GLOBAL

#: Records of more bytes are not searched for that: to take note of their loading costs less.
WORTH_SEARCHING = 1 << 12


class Outcomes(Sequence[Outcome]):
    """One outcome per task, in task order; nothing large is loaded before it is asked for.

    `memory` holds what threads left, `spools` are the descriptors of what processes wrote.
    `outputs` is what tasks printed, logged and warned, where it does not stand in the spools.
    """

    def __init__(
        self,
        ledger: Ledger,
        tasks: int,
        *,
        lost: Mapping[int, Lost],
        refused: Mapping[int, PayloadError],
        memory: list[Remembered | None] | None = None,
        files: Files | None = None,
        spools: Sequence[int] = (),
        outputs: Mapping[int, Output] | None = None,
    ) -> None:
        self._ledger = ledger
        self._tasks = tasks
        self._lost = lost
        self._refused = refused
        self._memory = memory
        self._files = files
        self._spools = spools
        self._outputs = outputs or {}
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
        """Return the outcome of a task, lost if it cannot be loaded in so many seconds.

        To load what processes gave is to run code of its classes. None is no limit.
        """
        if self._memory is not None or seconds is None:
            return unfold(self._load(number))
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
        """Return whether to load an outcome may run code of its classes.

        A pickle of plain data does not name anything to import.
        """
        if self._memory is not None or number in self._lost or number in self._refused:
            return False
        _, spool, offset, length = self._ledger.place(number)
        if length > WORTH_SEARCHING:
            return True
        return NAMING in os.pread(self._spools[spool], length, offset)

    def take(self, number: int, seconds: float | None = None) -> Outcome:
        """Load an outcome for the last time: what it needs no more is given back at once."""
        outcome = self.load(number, seconds)
        if self._memory is None and number not in self._lost and number not in self._refused:
            _, spool, offset, length = self._ledger.place(number)
            if length >= WORTH_RELEASING and is_in_band(self._spools[spool], offset):
                release_region(self._spools[spool], offset, length)
        return outcome

    @property
    def workers_used(self) -> int:
        """How many workers ran at least one task, successors of the dead not counted."""
        return len(set(self._workers.values()))

    @property
    def lost(self) -> int:
        """How many tasks are lost."""
        return len(self._lost)

    @property
    def interrupted(self) -> frozenset[int]:
        """The tasks that had no end when the run was."""
        lost = self._lost.items()
        return frozenset(number for number, why in lost if why.reason == "interrupted")

    def overlap(self) -> tuple[int, int]:
        """Return how many workers ran a task, and how many tasks were in their hands at once."""
        if self._overlap is None:
            spans = self._ledger.spans()
            peak = peak_overlap((begin, end) for _, begin, end in spans)
            self._overlap = self.workers_used, peak
        return self._overlap

    def without_value(self, number: int) -> Outcome:
        """Return what is known of a task without loading what it gave."""
        if number in self._lost or number in self._refused:
            return self[number]
        if self._memory is None:
            return self._outcome(number, self._ledger.place(number)[0])
        return self._outcome(number, self._remembered(number)[0])

    def let_go(self, number: int) -> None:
        """Give the memory of an outcome back: large values that were loaded read as zeros now."""
        if self._memory is not None:
            self._memory[number] = None
        elif number not in self._lost and number not in self._refused:
            _, spool, offset, length = self._ledger.place(number)
            if self._ledger.has_output(number):
                length += length_at(self._spools[spool], offset + length)
            release_region(self._spools[spool], offset, length)

    def close(self) -> None:
        """Give everything back."""
        if self._memory is not None:
            self._memory[:] = [None] * len(self._memory)
        if self._files is not None:
            self._files.close()
        self._ledger.close()

    def _number_workers(self) -> dict[int, int]:
        """Number the workers 1, 2, … in the order in which they came.

        One that came after another had gone, as its successor, takes over its number.
        """
        spans: dict[int, tuple[float, float]] = {}
        for worker, begin, end in self._ledger.spans():
            first, last = spans.get(worker, (begin, end))
            spans[worker] = (min(first, begin), max(last, end))
        numbers: dict[int, int] = {}
        until: list[float] = []  # by number, when its last worker was seen
        for worker, (first, last) in sorted(spans.items(), key=lambda item: item[1]):
            free = next((n for n, gone in enumerate(until) if gone <= first), len(until))
            until[free : free + 1] = [last]
            numbers[worker] = free + 1
        return numbers

    def _outcome(
        self,
        number: int,
        kind: Literal["value", "failure", "skip", "lost"],
        *,
        value: object = None,
        failure: Failure | None = None,
        lost: Lost | None = None,
    ) -> Outcome:
        arrived, started, ended = self._ledger.times(number)
        process = None if arrived is None else self._ledger.worker(number)
        return Outcome(
            kind=kind,
            value=value,
            failure=failure,
            lost=lost,
            arrived=arrived,
            started=started,
            ended=ended,
            worker=None if process is None else self._workers[process],
            process=process,
            has_changed_input=self._ledger.has_changed(number),
            output=self.output(number),
        )

    def output(self, number: int) -> Output | None:
        """Load what a task has printed, logged and warned, None if nothing."""
        is_elsewhere = self._memory is not None or number in self._lost or number in self._refused
        if is_elsewhere or not self._ledger.has_output(number):
            return self._outputs.get(number)
        _, spool, offset, length = self._ledger.place(number)
        fd, offset = self._spools[spool], offset + length
        output = read_record(fd, offset, length_at(fd, offset))
        assert isinstance(output, Output)
        return output

    def _remembered(self, number: int) -> Remembered:
        assert self._memory is not None
        found = self._memory[number]
        assert found is not None, "an outcome that was let go"
        return found

    def _load(self, number: int) -> Outcome:
        if number in self._lost:
            return self._outcome(number, "lost", lost=self._lost[number])
        if number in self._refused:
            error = self._refused[number]
            # Its traceback would show how parwork pickles, not what the user wrote.
            failure = replace(describe(error, error), traceback="")
            return self._outcome(number, "failure", failure=failure)
        assert self._ledger.state(number) is State.STORED
        if self._memory is not None:
            kind, value, told = self._remembered(number)
            return self._outcome(
                number, kind, value=value if kind == "value" else None, failure=told
            )
        if (code := self._ledger.unstored(number)) is not None:
            error = PayloadError(f"the result cannot be stored for pytest: {os.strerror(code)}")
            return self._outcome(number, "failure", failure=describe(error, error))
        kind, spool, offset, length = self._ledger.place(number)
        try:
            loaded = read_record(self._spools[spool], offset, length)
        except (KeyboardInterrupt, TimedOut):
            raise
        except BaseException as inner:  # what loads may raise SystemExit
            # Each outcome is loaded on its own, so that one that fails takes no other with it.
            error = PayloadError(
                f"the result came back but cannot be unpickled: {type(inner).__name__}: "
                f"{describe(inner).text}"
            )
            return self._outcome(number, "failure", failure=describe(error, error))
        if kind == "value":
            return self._outcome(number, kind, value=loaded)
        assert isinstance(loaded, tuple)
        failure, data = loaded
        assert isinstance(failure, Failure)
        return self._outcome(number, kind, failure=replace(failure, exception=_exception(data)))


def _exception(data: bytes | None) -> BaseException | None:
    if data is None:
        return None
    try:
        error = pickle.loads(data)
    except Exception:
        return None
    return error if isinstance(error, BaseException) else None
