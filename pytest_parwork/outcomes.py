"""The outcomes of a run, loaded from memory or spools when they are asked for."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import overload

from .errors import PayloadError
from .ledger import Files, Kind, Ledger, State
from .model import Failure, Lost, Outcome
from .spool import read_record, release_region
from .worker import describe

__all__ = ["Outcomes"]


class Outcomes(Sequence[Outcome]):
    """One outcome per task, in task order; nothing large is loaded before it is asked for.

    `memory` holds what threads left, `spools` are the descriptors of what processes wrote.
    """

    def __init__(
        self,
        ledger: Ledger,
        tasks: int,
        *,
        lost: Mapping[int, Lost],
        refused: Mapping[int, PayloadError],
        memory: dict[int, tuple[Kind, object, Failure | None]] | None = None,
        files: Files | None = None,
        spools: Sequence[int] = (),
    ) -> None:
        self._ledger = ledger
        self._tasks = tasks
        self._lost = lost
        self._refused = refused
        self._memory = memory
        self._files = files
        self._spools = spools
        self._workers = self._number_workers()

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
        return self._load(number, self.facts(number))

    def facts(self, number: int) -> Outcome:
        """Return the outcome of a task without its value: kind, times and worker."""
        arrived, started, ended = self._ledger.times(number)
        kind: str = "failure"
        if number in self._lost:
            kind = "lost"
        elif number not in self._refused:
            kind = self._ledger.place(number)[0]
        return Outcome(
            kind=kind,  # type: ignore[arg-type]  # one of the four
            lost=self._lost.get(number),
            arrived=arrived,
            started=started,
            ended=ended,
            worker=None if arrived is None else self._workers[self._ledger.worker(number)],
        )

    @property
    def workers_used(self) -> int:
        """How many workers ran at least one task."""
        return len(self._workers)

    def let_go(self, number: int) -> None:
        """Give the memory of an outcome back; it must not be loaded again."""
        if self._memory is not None:
            self._memory.pop(number, None)
        elif number not in self._lost and number not in self._refused:
            _, spool, offset, length = self._ledger.place(number)
            release_region(self._spools[spool], offset, length)

    def close(self) -> None:
        """Give everything back."""
        if self._memory is not None:
            self._memory.clear()
        if self._files is not None:
            self._files.close()
        self._ledger.close()

    def _number_workers(self) -> dict[int, int]:
        """Number the workers 1, 2, … in the order in which they came."""
        first: dict[int, float] = {}
        for task in range(self._tasks):
            arrived = self._ledger.times(task)[0]
            if arrived is not None:
                worker = self._ledger.worker(task)
                first[worker] = min(arrived, first.get(worker, arrived))
        return {worker: n for n, worker in enumerate(sorted(first, key=first.__getitem__), start=1)}

    def _load(self, number: int, facts: Outcome) -> Outcome:
        if number in self._lost:
            return facts
        if number in self._refused:
            error = self._refused[number]
            # Its traceback would show how parwork pickles, not what the user wrote.
            return replace(facts, failure=replace(describe(error, error), traceback=""))
        assert self._ledger.state(number) is State.STORED
        if self._memory is not None:
            kind, value, failure = self._memory[number]
            if kind == "value":
                return replace(facts, value=value)
            return replace(facts, failure=failure)
        kind, spool, offset, length = self._ledger.place(number)
        try:
            loaded = read_record(self._spools[spool], offset, length)
        except Exception as inner:
            # Each outcome is loaded on its own, so that one that fails takes no other with it.
            error = PayloadError(
                f"the result came back but cannot be unpickled: {type(inner).__name__}: {inner}"
            )
            return replace(facts, kind="failure", failure=describe(error, error))
        if kind == "value":
            return replace(facts, value=loaded)
        assert isinstance(loaded, tuple)
        failure, data = loaded
        assert isinstance(failure, Failure)
        return replace(facts, failure=replace(failure, exception=_exception(data)))


def _exception(data: bytes | None) -> BaseException | None:
    if data is None:
        return None
    try:
        error = pickle.loads(data)
    except Exception:
        return None
    return error if isinstance(error, BaseException) else None
