"""What is known of the tasks that have no outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..clock import now
from ..ledger import Ledger
from ..model import Lost, Task, Try
from ..stacks import read_stack

__all__ = ["Losses"]


class Losses:
    """The lost tasks of a run, each with the tries and the stack of its worker.

    `stacks` is the descriptor of the file in which workers leave theirs, of so many `slots`.
    """

    def __init__(
        self, ledger: Ledger, tasks: Sequence[Task], *, stacks: int | None = None, slots: int = 0
    ) -> None:
        self._ledger = ledger
        self._tasks = tasks
        self._stacks = stacks
        self._slots = slots
        self._lost: dict[int, Lost] = {}
        self._tries: dict[int, tuple[Try, ...]] = {}

    def __len__(self) -> int:
        return len(self._lost)

    def __contains__(self, task: object) -> bool:
        return task in self._lost

    def all(self) -> Mapping[int, Lost]:
        """Return what is lost, by task number."""
        return self._lost

    def add(self, task: int, lost: Lost) -> None:
        """Take a task as lost, unless it is already."""
        self._lost.setdefault(task, lost)

    def note_try(self, task: int, *, is_alone: bool = False) -> Try:
        """Take note that a task was begun and did not come to its end."""
        _, started, _ = self._ledger.times(task)
        seconds = now() - started if started is not None else 0.0
        noted = Try(worker=self._ledger.worker(task), seconds=seconds, is_alone=is_alone)
        self._tries[task] = (*self._tries.get(task, ()), noted)
        return noted

    def crashed(self, task: int, how: str, *, is_alone: bool = False) -> None:
        """Lose a task because its worker died, `how` is in words."""
        if task in self._lost:
            return
        last = self.note_try(task, is_alone=is_alone)
        tries = self._tries[task]
        twice = ", twice" if len(tries) > 1 else ""
        self._lost[task] = Lost(
            reason="crash",
            detail=f"its worker {_died(how)} while it ran this task{twice}",
            tries=tries,
            stack=self._stack(last.worker),
        )

    def overdue(self, task: int, remark: str = "") -> None:
        """Lose a task because it took too long."""
        if task in self._lost:
            return
        last = self.note_try(task)
        self._lost[task] = Lost(
            reason="timeout",
            detail=f"timed out after {self._tasks[task].timeout:g} s{remark}",
            tries=self._tries[task],
            stack=self._stack(last.worker),
        )

    def never_began(self, task: int, how: str) -> None:
        """Lose a task because every worker that was to take it died before."""
        self.add(
            task,
            Lost(reason="crash", detail=f"its worker {_died(how)} before the task began, twice"),
        )

    def _stack(self, worker: int) -> tuple[str, ...]:
        return () if self._stacks is None else read_stack(self._stacks, self._slots, worker)


def _died(how: str) -> str:
    if how.startswith("exit code"):
        return f"ended with {how}"
    return f"died of {how}" if how.startswith(("SIG", "signal")) else f"died ({how})"
