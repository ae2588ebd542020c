"""The tasks that have run out of time, and the end of their workers."""

from __future__ import annotations

from collections.abc import Container, Sequence

from ..machine.clock import now
from ..machine.process_groups import kill_group, state_of
from ..model.outcome import Lost
from ..model.work import Batch, Task
from ..transport.ledger import State
from .deaths import Deaths
from .ending import abort, resume, wait_for_end
from .flight import Flight
from .losses import Losses
from .medium import Late, Medium
from .schedule import Schedule
from .waits import READY, START_PATIENCE


class Overdue:
    """Loses tasks that take too long, and ends their workers where that is possible.

    `threads_left` counts the present workers that could not be ended: threads.
    """

    def __init__(
        self,
        medium: Medium,
        schedule: Schedule,
        flight: Flight,
        losses: Losses,
        deaths: Deaths,
        tasks: Sequence[Task],
    ) -> None:
        self._medium = medium
        self._ledger = medium.ledger
        self._schedule = schedule
        self._flight = flight
        self._losses = losses
        self._deaths = deaths
        self._tasks = tasks
        self._has_limits = any(task.timeout is not None for task in tasks)
        self.threads_left = 0

    def forget_workers(self) -> None:
        """Continue with new workers."""
        self.threads_left = 0

    def note(self, batch: Batch) -> None:
        """Lose the tasks that were ended where they ran."""
        for task in self._medium.timed_out(batch):
            self._losses.overdue(task)

    def look(self, released: float | None) -> bool:
        """Lose the tasks whose time is over; return whether there was any.

        The time of a task starts with its call; as long as it has not been called, with its arrival
        and the release of all. For storing its result it has the same time again.
        """
        late = []
        for batch in self._flight if self._has_limits else ():
            task = self._flight.in_hand(batch)
            if task is None or (limit := self._tasks[task].timeout) is None:
                continue
            arrived, started, ended = self._ledger.times(task)
            began = ended or started or max(arrived or 0.0, released or now())
            if now() > began + limit:
                late.append(Late(task=task, batch=batch, began=began, due=began + limit))
        ended_tasks = self._medium.end_late(late)
        for each in ended_tasks:
            pid = self._medium.process_of(each.task)
            if pid is None:
                self._leave_thread(each)
            else:
                self._deaths.ended.add(pid)
                self._losses.overdue(each.task)
        return bool(ended_tasks)

    def _leave_thread(self, late: Late) -> None:
        self._losses.overdue(late.task, "; its thread cannot be ended and goes on")
        self.threads_left += 1
        self._flight.land(late.batch)
        rest = [other for other in late.batch.tasks if self._ledger.state(other) is State.PENDING]
        self._schedule.put_back(rest)

    @property
    def patience(self) -> float:
        """Seconds that workers have to get ready, which is no part of the time of a task."""
        limits = [task.timeout for task in self._tasks if task.timeout is not None]
        return START_PATIENCE if not limits else max(READY, 2 * max(limits))

    def wake_the_stopped(self, known: Container[int]) -> None:
        """Continue workers that were stopped while they ran no task, so that no task is to blame.

        This is for workers whose ids the library does not report; others are ended and replaced.
        """
        for pid in self._medium.attached():
            if pid not in known and state_of(pid) == "T":
                resume(pid)

    def end_the_unready(self, patience: float) -> Lost:
        """End attached workers that have not started a task; return what they were waiting for.

        Without any, the backend has not started; otherwise what they import for the tasks hangs.
        """
        pids = self._medium.attached()
        for pid in pids:
            resume(pid)
            abort(pid)
        stacks = []
        for pid in pids:
            wait_for_end(pid)
            stacks += [frames[0] for frames in [self._losses.stack_of(pid).frames] if frames]
            kill_group(pid)
        if not pids:
            return Lost(reason="backend", detail=f"no worker took it for {patience:.0f} s")
        where = f", at {stacks[0]}" if stacks else ""
        detail = f"its worker did not get ready to run it within {patience:.0f} s{where}"
        return Lost(reason="timeout", detail=detail)

    def is_all(self, idle: float) -> bool:
        """Return whether all submitted tasks have run out of time without any progress since."""
        limits = [[self._tasks[task].timeout for task in batch.tasks] for batch in self._flight]
        return all(
            None not in batch and sum(limit or 0.0 for limit in batch) + self.patience < idle
            for batch in limits
        )
