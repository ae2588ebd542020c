"""The lost tasks of a run: the reason for each, its tries, the stacks of its workers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..machine.clock import now
from ..machine.exits import exit_name
from ..machine.stacks import Stack
from ..model.outcome import Lost, Try
from ..model.work import Task
from .medium import Medium


def none_starts(reason: str, medium: Medium) -> Lost:
    """Return why tasks are lost if each worker dies before it starts one.

    A backend whose workers were attached can start them: then what they import is fatal.
    """
    detail = f"no worker could start a task: {reason}"
    return Lost(reason="crash" if medium.was_attached() else "backend", detail=detail)


class Losses:
    """The lost tasks of a run, each with the tries and the stack of its worker.

    Stacks are read once, and then removed.
    """

    def __init__(self, medium: Medium, tasks: Sequence[Task]) -> None:
        self._medium = medium
        self._ledger = medium.ledger
        self._tasks = tasks
        self._lost: dict[int, Lost] = {}
        self._times: list[float] = []  # of each loss
        self._tries: dict[int, tuple[Try, ...]] = {}
        self._read: dict[int, Stack] = {}

    def __len__(self) -> int:
        return len(self._lost)

    def __contains__(self, task: object) -> bool:
        return task in self._lost

    def all(self) -> Mapping[int, Lost]:
        """Return what is lost, by task number."""
        return self._lost

    def add(self, task: int, lost: Lost) -> None:
        """Mark a task as lost, unless it is already; note how long one ran that is interrupted."""
        if task not in self._lost:
            if lost.reason == "interrupted" and self._ledger.times(task)[1] is not None:
                self.note_try(task)
                lost = replace(lost, tries=self._tries[task])
            self._lost[task] = lost
            self._times.append(now())

    def since(self, moment: float) -> int:
        """Return how many tasks were lost since a moment."""
        return len(self._times) - bisect_left(self._times, moment)

    def note_try(self, task: int, *, is_alone: bool = False, pid: int | None = None) -> Try:
        """Note that a task was started and did not end.

        `pid` is its process, if the ledger does not know it.
        """
        _, started, _ = self._ledger.times(task)
        seconds = now() - started if started is not None else 0.0
        if pid is None:
            pid = self._medium.process_of(task)
        self._medium.keep_output(task, pid)
        noted = Try(pid=pid, seconds=seconds, is_alone=is_alone)
        self._tries[task] = (*self._tries.get(task, ()), noted)
        return noted

    def crashed(
        self, task: int, how: str, *, is_alone: bool = False, pid: int | None = None
    ) -> None:
        """Lose a task because its worker died; `how` describes the death."""
        if task in self._lost:
            return
        last = self.note_try(task, is_alone=is_alone, pid=pid)
        if (code := self._stack(last).code) is not None:
            how = exit_name(code)  # if one death ends all workers, `how` may describe another one
        tries = self._tries[task]
        twice = ", twice" if len(tries) > 1 else ""
        lost = Lost(
            reason="crash",
            detail=f"its worker {_died(how)} while it ran this task{twice}",
            tries=tries,
            stack=self._stack(last).frames,
        )
        self.add(task, lost)

    def damaging(self, task: int) -> None:
        """Lose a task because the table of the run was damaged while only this task ran."""
        _, started, _ = self._ledger.times(task)
        self._tries[task] = (
            *self._tries.get(task, ()),
            Try(seconds=now() - started if started is not None else 0.0, is_alone=True),
        )
        detail = (
            "the shared table of the run was damaged, probably by this task: no other was running"
        )
        self.add(task, Lost(reason="crash", detail=detail, tries=self._tries[task]))

    def overdue(self, task: int, remark: str = "", *, pid: int | None = None) -> None:
        """Lose a task because it took too long."""
        if task in self._lost:
            return
        last = self.note_try(task, pid=pid)
        lost = Lost(
            reason="timeout",
            detail=f"timed out after {self._tasks[task].timeout:g} s{remark}",
            tries=self._tries[task],
            stack=self._stack(last).frames,
        )
        self.add(task, lost)

    def stopped(self, task: int, *, pid: int | None = None) -> None:
        """Lose a task that has stopped its worker by a signal, whether or not it ended before."""
        limit = self._tasks[task].timeout
        self.note_try(task, is_alone=True, pid=pid)
        self.add(
            task,
            Lost(
                reason="crash" if limit is None else "timeout",
                detail="its worker was stopped by a signal (SIGSTOP) while it ran this task, twice",
                tries=self._tries[task],
            ),
        )

    def left(self, task: int, *, pid: int) -> None:
        """Lose a task because its worker left the cluster; its process may still run it."""
        self.note_try(task, pid=pid)
        detail = "its worker left the cluster while it ran this task"
        self.add(task, Lost(reason="crash", detail=detail, tries=self._tries[task]))

    def never_began(self, task: int, how: str, *, is_apart: bool = False) -> None:
        """Lose a task because every worker that was to run it died before the task started.

        With `is_apart`, it is unknown whether it had started; the second time it was on its own.
        """
        when = "with this task, the second time on its own" if is_apart else "before the task began"
        self.add(
            task,
            Lost(reason="crash", detail=f"its worker {_died(how)} {when}, twice"),
        )

    def unexplained(self, tasks: Sequence[int], how: str) -> None:
        """Lose tasks of which one has ended the workers of all, but not when tried on its own.

        They have outcomes, but from when nothing else was running, which is not what was asked for.
        """
        others = "one other task" if len(tasks) == 2 else f"{len(tasks) - 1} other tasks"
        detail = (
            f"its worker {_died(how)} while this and {others} were running; each ended well when "
            f"run again on its own, so none can be blamed"
        )
        for task in tasks:
            self.add(task, Lost(reason="crash", detail=detail, tries=self._tries[task]))

    def know_stack(self, pid: int, stack: Stack) -> None:
        """Add the stack of a worker on another machine."""
        self._read[pid] = stack

    def stack_of(self, pid: int) -> Stack:
        """Return the stack that a worker has left."""
        if pid not in self._read:
            self._read[pid] = self._medium.read_stack(pid)
        return self._read[pid]

    def _stack(self, last: Try) -> Stack:
        return Stack() if last.pid is None else self.stack_of(last.pid)


def _died(how: str) -> str:
    if how.startswith("exit code"):
        return f"ended with {how}"
    return f"died of {how}" if how.startswith(("SIG", "signal")) else f"died ({how})"
