"""The repair of the table that all workers share, after a task has written into it."""

from __future__ import annotations

from ..machine.clock import now
from ..transport.ledger import DamagedError, State
from .flight import Flight
from .losses import Losses
from .medium import Medium
from .schedule import Schedule
from .waits import LOOK

#: Checking the whole table may take at most one part in so many of the time.
COST = 50

#: Process ids are below this number.
MOST = 1 << 32


class Damage:
    """Repairs the table, and has the tasks that may have damaged it run one at a time.

    The rows of ended tasks are kept in the settled table, where no worker can write. A task may
    have overwritten the files with their outcomes as well.
    """

    def __init__(
        self,
        medium: Medium,
        schedule: Schedule,
        flight: Flight,
        losses: Losses,
        *,
        tasks: int,
    ) -> None:
        self._medium = medium
        self._ledger = medium.ledger
        self._settled = medium.settled
        self._schedule = schedule
        self._flight = flight
        self._losses = losses
        self._tasks = tasks
        self._suspects: set[int] = set()
        self._next = now() + LOOK

    @property
    def is_searched(self) -> bool:
        """Whether only one task may run at a time, until the guilty one is known."""
        if not self._suspects:  # as nearly always: each look at the workers asks several times
            return False
        running = self._running()
        self._suspects = {
            task for task in self._suspects if task in running or not self._flight.has_end(task)
        }
        return bool(self._suspects)

    def _running(self) -> set[int]:
        return {task for batch in self._flight for task in batch.tasks}

    def check(self) -> None:
        """Raise `DamagedError` if the table has changed where no running task may write.

        The whole table is checked now and then, and whenever a single task is tried, because that
        may damage other parts than the header.
        """
        self._ledger.check()
        if self._settled is self._ledger or not (self.is_searched or now() >= self._next):
            return
        for task in self._running():
            # The runner would wait for a row without a worker as if its task were running.
            if self._ledger.state(task) and not 0 < self._ledger.worker(task) < MOST:
                raise DamagedError
        began = now()
        found, known = self._ledger.states(), self._settled.states()
        if found != known:
            for task in {*self._running(), *self._losses.all()}:
                found[task] = known[task] = 0
            if found != known:
                raise DamagedError
        self._medium.recent.clear()
        self._next = now() + max(LOOK, COST * (now() - began))

    def mend(self) -> None:
        """Submit again all tasks without an end; no worker that could write may be left.

        If just one task ran, that one is guilty. Else each is run again on its own, including
        those that are stored according to the table, or that have ended since it was last known to
        be whole: the guilty task goes on to write its own row.
        """
        self._ledger.sign()
        self._ledger.release()
        batches = list(self._flight)
        guilty = self._guilty()
        for batch in batches:
            for task in batch.tasks:
                self._ledger.reset(task)
            self._flight.land(batch)
        if guilty is not None:
            self._losses.damaging(guilty)
            self._suspects.clear()
        left = {task for batch in batches for task in batch.tasks} | self._medium.recent
        for task in self._medium.recent:
            self._settled.reset(task)
        self._medium.recent.clear()
        for task in range(self._tasks):
            if self._settled.state(task) is State.STORED and not self._medium.is_whole(task):
                self._settled.reset(task)
                left.add(task)
            self._ledger.copy(task, self._settled)
        left = {task for task in left if not self._flight.has_end(task)}
        self._schedule.put_back(sorted(left), alone=True)
        if guilty is None:
            self._suspects |= left

    def _guilty(self) -> int | None:
        """Return the only task that has run since the table was known to be whole."""
        ran = self._running() | self._medium.recent
        return ran.pop() if len(ran) == 1 and not ran <= self._losses.all().keys() else None
