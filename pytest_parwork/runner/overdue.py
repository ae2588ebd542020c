"""The tasks that have had their time, and what becomes of their workers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress

from ..machine.clock import now
from ..machine.process_groups import kill_group, state_of
from ..machine.stacks import writing
from ..model.work import Batch, Task
from ..transport.ledger import Ledger, State
from ..transport.spool import owner_of
from ..worker.calling import BatchCall
from ..worker.threads import ThreadCall
from .flight import Flight
from .losses import Losses
from .schedule import Schedule
from .suspension import Suspension

__all__ = ["START_PATIENCE", "Overdue"]

#: Seconds that a process has to stop, or to write its stack; it needs some milliseconds.
PATIENCE = 1.0

GLANCE = 0.001

#: Seconds until a backend without any sign of a worker is given up.
START_PATIENCE = 60.0

#: The same where tasks have a timeout, and twice that is no more: somebody cares for the time.
READY = 20.0


class Overdue:
    """Loses what takes too long, and ends its worker where that can be done.

    `ended` are the processes that were, `threads_left` counts the threads that could not be.
    """

    def __init__(
        self,
        ledger: Ledger,
        schedule: Schedule,
        flight: Flight,
        losses: Losses,
        tasks: Sequence[Task],
        call: BatchCall,
        suspension: Suspension,
    ) -> None:
        self._ledger = ledger
        self._schedule = schedule
        self._flight = flight
        self._losses = losses
        self._tasks = tasks
        self._call = call
        self._suspension = suspension
        self._has_limits = any(task.timeout is not None for task in tasks)
        self.ended: set[int] = set()
        self.threads_left = 0

    def forget_workers(self) -> None:
        """Go on with new workers."""
        self.ended.clear()
        self.threads_left = 0

    def note(self, batch: Batch) -> None:
        """Lose what the call of a batch has ended itself."""
        if isinstance(self._call, ThreadCall):
            for task in self._call.overdue.intersection(batch.tasks):
                self._losses.overdue(task)

    def look(self, released: float | None) -> bool:
        """Lose the tasks whose time is over; return whether there was any.

        The time of a task begins with its call; while that has not come, with its arrival and the
        release of all. To store what it gave, it has the same time again.
        """
        found = False
        workers: dict[int, int] = {}
        for batch in self._flight if self._has_limits else ():
            task = self._flight.in_hand(batch)
            if task is None or (limit := self._tasks[task].timeout) is None:
                continue
            arrived, started, ended = self._ledger.times(task)
            began = ended or started or max(arrived or 0.0, released or now())
            if now() <= began + limit:
                continue
            if not isinstance(self._call, ThreadCall):
                workers[self._ledger.worker(task)] = task
            elif now() > began + limit + self._suspension.since(began):  # as threads were, too
                found |= self._give_up(self._call, batch, task)
        # Together, because a library may kill all of its workers as soon as one has ended.
        with writing:
            guilty = _end_workers(workers, self._flight.is_held)
        for worker in guilty:
            self.ended.add(worker)
            self._losses.overdue(workers[worker])
            found = True
        return found

    @property
    def patience(self) -> float:
        """Seconds that workers have to get ready, which is no part of the time of a task."""
        limits = [task.timeout for task in self._tasks if task.timeout is not None]
        return START_PATIENCE if not limits else max(READY, 2 * max(limits))

    def wake_the_stopped(self, spools: Sequence[int], known: Container[int]) -> None:
        """Have workers go on that were stopped while they were at no task, which none has done.

        Those are meant whose ids the library does not say; the others are ended and replaced.
        """
        for pid in map(owner_of, spools):
            if pid and pid not in known and state_of(pid) == "T":
                _send(pid, signal.SIGCONT)

    def end_the_unready(self, spools: Sequence[int], patience: float) -> str:
        """End the workers that hold a spool and have not come to a task; return what kept them."""
        pids = [pid for pid in map(owner_of, spools) if pid]
        for pid in pids:
            _forbid_core(pid)
            _send(pid, signal.SIGCONT)
            _send(pid, signal.SIGABRT)
        stacks = []
        for pid in pids:
            _wait(pid, "Z")
            stacks += [frames[0] for frames in [self._losses.stack_of(pid).frames] if frames]
            kill_group(pid)
        if not pids:
            return f"no worker took it for {patience:.0f} s"
        where = f", at {stacks[0]}" if stacks else ""
        return f"its worker did not get ready to run it within {patience:.0f} s{where}"

    def is_all(self, idle: float, patience: float) -> bool:
        """Return whether everything in flight should have come back since, or its worker ended."""
        limits = [[self._tasks[task].timeout for task in batch.tasks] for batch in self._flight]
        return all(
            None not in batch and sum(limit or 0.0 for limit in batch) + patience < idle
            for batch in limits
        )

    def _give_up(self, call: ThreadCall, batch: Batch, task: int) -> bool:
        if not call.give_up(batch, task):
            return False
        self._losses.overdue(task, "; its thread cannot be ended and goes on")
        self.threads_left += 1
        self._flight.land(batch)
        rest = [other for other in batch.tasks if self._ledger.state(other) is State.PENDING]
        self._schedule.put_back(rest)
        return True


def _end_workers(workers: Mapping[int, int], is_held: Callable[[int, int], bool]) -> Sequence[int]:
    """Kill workers, by their pid, that are at the task given, with all in their groups.

    Returns which were. They are stopped before it is asked what they are at: one that is killed
    while it waits for its next task may hold a lock of the pool, which then is dead. They end by
    SIGABRT, on which they leave their stack. One that is dead by then died of something else.
    """
    if not hasattr(signal, "SIGSTOP"):
        return []
    stopped = [pid for pid in workers if _send(pid, signal.SIGSTOP)]
    guilty = []
    for pid in stopped:
        _wait(pid, "tTZ")
        if state_of(pid) != "Z" and is_held(workers[pid], pid):
            _forbid_core(pid)
            _send(pid, signal.SIGABRT)
            guilty.append(pid)
    for pid in stopped:
        _send(pid, signal.SIGCONT)
    for pid in guilty:
        _wait(pid, "Z")
        kill_group(pid)
    return guilty


def _send(pid: int, number: signal.Signals) -> bool:
    """Send a signal, False if there is no such process."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _wait(pid: int, states: str) -> None:
    until = now() + PATIENCE
    while now() < until and state_of(pid) not in states:
        time.sleep(GLANCE)


def _forbid_core(pid: int) -> None:
    """Keep SIGABRT from leaving a file; where that cannot be done, the user's limit holds."""
    with suppress(ImportError, AttributeError, OSError, ValueError):
        import resource

        _, hard = resource.prlimit(pid, resource.RLIMIT_CORE)
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, hard))
