"""Hand out batches and watch over the workers until every task has an end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence

from ..backends.base import Event, Workers
from ..clock import now
from ..ledger import Ledger, State
from ..model import Lost
from ..schedule import Batch, Schedule
from ..worker import GLANCE, BatchCall

__all__ = ["RENDEZVOUS", "Watch"]

#: Seconds that the first worker waits for the others. Missing workers cost exactly this.
RENDEZVOUS = 5.0

#: Seconds until a backend without any sign of a worker is given up.
START_PATIENCE = 60.0

#: Seconds between two looks at the health of the workers.
HEARTBEAT = 0.05

#: Seconds without any progress, after a worker died, until what it may have taken is sent again.
STALL = 1.0

#: How often a task is sent whose worker vanished before it began.
ATTEMPTS = 2

#: Seconds in which the system tells how a process ended whose library has noticed its death.
REAPING = 0.5

#: Seconds that a library has to tell how a worker ended that is gone.
HEARSAY = 0.25


class Watch:
    """Hand out batches and wait for their end, whatever happens to the workers."""

    def __init__(
        self, workers: Workers, call: BatchCall, ledger: Ledger, schedule: Schedule
    ) -> None:
        self._workers = workers
        self._call = call
        self._ledger = ledger
        self._schedule = schedule
        self._in_flight: dict[int, Batch] = {}
        self._losses: dict[int, int] = {}  # tasks that were lost when a batch was handed out
        self._attempts: dict[int, int] = {}
        self._dead: set[int] = set()
        self._missing: dict[int, float] = {}
        self._buried = 0
        self._target = 1
        self._first_arrival: float | None = None
        self._progress = now()
        self._has_begun = False
        self.lost: dict[int, Lost] = {}
        self.released: float | None = None

    def run(self) -> None:
        """Return when every task is stored or lost."""
        self._progress = now()
        self._push(at_start=True)
        heartbeat = now() + HEARTBEAT
        while self._in_flight or self._schedule:
            waiting = GLANCE if self.released is None else HEARTBEAT
            for event in self._workers.poll(waiting):
                self._take(event)
            if self.released is None:
                self._consider_release()
            if now() >= heartbeat:
                self._check_health()
                heartbeat = now() + HEARTBEAT
            self._push()

    def _push(self, *, at_start: bool = False) -> None:
        """Hand out what the workers have room for."""
        batches: list[Batch] = []
        if self._workers.eager:
            if not self._in_flight:
                batches = self._schedule.all()
        else:
            room = self._workers.size * self._schedule.window - len(self._in_flight)
            while room > len(batches) and (batch := self._schedule.next()):
                batches.append(batch)
        self._in_flight.update((batch.number, batch) for batch in batches)
        self._losses.update((batch.number, len(self.lost)) for batch in batches)
        if at_start:
            self._target = min(self._workers.size, len(batches))
            if self._target <= 1:
                self._release()
        if batches:
            self._workers.submit(self._call, batches)

    def _release(self) -> None:
        self._ledger.release()
        self.released = now()

    def _consider_release(self) -> None:
        """Let the first tasks begin once all workers hold one, or the others stay away."""
        arrived = {
            self._ledger.worker(batch.tasks[0])
            for batch in self._in_flight.values()
            if self._ledger.state(batch.tasks[0]) >= State.ARRIVED
        }
        if arrived and self._first_arrival is None:
            self._first_arrival = now()
        late = self._first_arrival is not None and now() > self._first_arrival + RENDEZVOUS
        if len(arrived) >= self._target or late:
            self._release()

    def _take(self, event: Event) -> None:
        self._progress = now()
        if event.batch is None:
            self._bury(list(self._in_flight.values()), event.reason)
            return
        done = self._in_flight.get(event.batch)
        if done is None:
            return  # its end was seen in the ledger before
        if event.kind == "done" and self._is_stored(done):
            self._finish(done)
        else:
            owner = self._owner(done)
            until = now() + REAPING
            while event.kind == "broken" and self._is_dying(owner) and now() < until:
                time.sleep(GLANCE)
            told = self._deaths().get(owner)
            self._bury([done], told or event.reason or "it came back without an outcome")

    def _is_dying(self, pid: int) -> bool:
        """Return whether the exit code of a process is still to be told."""
        return self._workers.pids().get(pid, 0) is None

    def _finish(self, batch: Batch) -> None:
        del self._in_flight[batch.number]
        del self._losses[batch.number]
        self._has_begun = True
        arrived, _, _ = self._ledger.times(batch.tasks[0])
        _, _, ended = self._ledger.times(batch.tasks[-1])
        if arrived is not None and ended is not None:
            begin = max(arrived, self.released or arrived)
            self._schedule.observe(max(0.0, ended - begin) / len(batch.tasks))

    def _is_stored(self, batch: Batch) -> bool:
        return all(self._ledger.state(task) is State.STORED for task in batch.tasks)

    def _bury(self, batches: Sequence[Batch], reason: str) -> None:
        """End batches whose workers are gone: keep what is stored, send again what never began."""
        tasks = [task for batch in batches for task in batch.tasks]
        begun = [task for task in tasks if self._ledger.state(task) >= State.STARTED]
        for task in begun:
            if self._ledger.state(task) is not State.STORED:
                self._lose(task, f"its worker ended while it ran this task: {reason}")
        again = []
        lost = len(self.lost)
        for batch in batches:
            del self._in_flight[batch.number]
            # Where another task is to blame, these have lost nothing by it.
            is_blameless = lost > self._losses.pop(batch.number)
            for task in set(batch.tasks) - set(begun):
                self._attempts[task] = self._attempts.get(task, 1) + (not is_blameless)
                if self._attempts[task] > ATTEMPTS:
                    self._lose(task, f"its worker ended before the task began, twice: {reason}")
                else:
                    self._ledger.reset(task)
                    again.append(task)
        self._schedule.put_back(sorted(again))
        self._has_begun |= bool(begun)
        self._buried += len(batches)
        if not self._has_begun and self._buried >= max(8, 4 * self._workers.size):
            self._give_up(f"no worker could begin: {reason}")

    def _lose(self, task: int, detail: str) -> None:
        self.lost[task] = Lost(reason="crash", detail=detail)

    def _check_health(self) -> None:
        for batch in [batch for batch in self._in_flight.values() if self._is_stored(batch)]:
            self._finish(batch)
            self._progress = now()
        self._look_for_the_dead()
        idle = 0.0 if self._is_any_running() else now() - self._progress
        if self._dead and idle > STALL:
            # Nobody works on these: they went with a worker that had not begun with them.
            self._bury(list(self._in_flight.values()), "workers die before they begin")
        elif idle > START_PATIENCE:
            self._give_up(f"no worker took it for {START_PATIENCE:.0f} s")

    def _look_for_the_dead(self) -> None:
        dead = self._deaths()
        fresh = dead.keys() - self._dead
        if not fresh:
            return
        self._dead |= fresh
        self._progress = now()
        for batch in list(self._in_flight.values()):
            owner = self._owner(batch)
            if batch.number in self._in_flight and owner in fresh and not self._is_stored(batch):
                self._bury([batch], dead[owner])

    def _deaths(self) -> dict[int, str]:
        """Return how each dead worker ended, by process id."""
        codes = self._workers.pids()
        dead = {pid: exit_name(code) for pid, code in codes.items() if code is not None}
        if self._workers.reach == "machine":
            for batch in self._in_flight.values():
                owner = self._owner(batch)
                # A library may bury its dead before anyone else could see them, and then tell, or
                # not: loky does, joblib's multiprocessing does not.
                if owner and owner not in codes and not _is_alive(owner):
                    missing_since = self._missing.setdefault(owner, now())
                    if now() > missing_since + HEARSAY:
                        dead[owner] = "its exit code is unknown"
        return dead

    def _owner(self, batch: Batch) -> int:
        """Return the process or thread that began last with a task of `batch`, else 0."""
        for task in reversed(batch.tasks):
            if self._ledger.state(task) is not State.PENDING:
                return self._ledger.worker(task)
        return 0

    def _is_any_running(self) -> bool:
        running = (State.ARRIVED, State.STARTED, State.ENDED)
        return any(
            self._ledger.state(task) in running and self._ledger.worker(task) not in self._dead
            for batch in self._in_flight.values()
            for task in batch.tasks
        )

    def _give_up(self, detail: str) -> None:
        open_tasks = [task for batch in self._in_flight.values() for task in batch.tasks]
        while batch := self._schedule.next():
            open_tasks.extend(batch.tasks)
        self._in_flight.clear()
        for task in open_tasks:
            if self._ledger.state(task) is not State.STORED:
                self.lost[task] = Lost(reason="backend", detail=detail)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def exit_name(code: int) -> str:
    """Name an exit code: `SIGSEGV (signal 11)`, `exit code 3`."""
    if code < 0:
        try:
            return f"{signal.Signals(-code).name} (signal {-code})"
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"
