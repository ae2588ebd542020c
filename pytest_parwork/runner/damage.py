"""What is done after a task has written into the table that all workers share."""

from __future__ import annotations

from ..machine.clock import now
from ..transport.ledger import DamagedError, State
from .flight import Flight
from .losses import Losses
from .medium import Medium
from .schedule import Schedule
from .waits import LOOK

#: The whole table is looked at less often where that takes more than one part in so many.
COST = 50

#: No process has an id from here on.
MOST = 1 << 32


class Damage:
    """Mends the table, and has the tasks that may have damaged it run one at a time.

    What is known of tasks that have ended is settled, where no worker can write; the files with
    their outcomes some may have overwritten as well.
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
        """Whether only one task may run at a time, until it is known which one it was."""
        running = self._running()
        self._suspects = {
            task for task in self._suspects if task in running or not self._flight.has_end(task)
        }
        return bool(self._suspects)

    def _running(self) -> set[int]:
        return {task for batch in self._flight for task in batch.tasks}

    def check(self) -> None:
        """Raise `DamagedError` where the table has changed that no running task has a right to.

        All of it is looked at now and then, and where one task is tried: that one need not have
        damaged the head of the table.
        """
        self._ledger.check()
        if self._settled is self._ledger or not (self.is_searched or now() >= self._next):
            return
        for task in self._running():
            # A row without a worker would be waited for as one that is being run.
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
        """Put back what had no end; no worker may be left that could write.

        The one task that ran is guilty, if there was just one. Else each is run again on its own,
        those too that the table has as stored, or that ended since it was known to be whole: the
        guilty one goes on to write its own row.
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
