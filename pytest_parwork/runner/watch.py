"""Hand out batches and watch over the workers until every task has an end."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from ..backends.base import Event, Workers
from ..clock import now
from ..ledger import Ledger, State
from ..model import Lost, Task
from ..schedule import Batch, Schedule
from ..worker import GLANCE, BatchCall, ThreadCall
from .deaths import UNKNOWN, Deaths
from .losses import Losses
from .overdue import end_worker

__all__ = ["RENDEZVOUS", "Stop", "Watch"]

#: Seconds that the first worker waits for the others. Missing workers cost exactly this.
RENDEZVOUS = 5.0

#: Seconds until a backend without any sign of a worker is given up.
START_PATIENCE = 60.0

#: Seconds between two looks at the health of the workers.
HEARTBEAT = 0.05

#: Seconds without any progress, after a worker died, until all of them are replaced.
STALL = 1.0

#: Seconds that workers which are replaced have to end.
REPLACING = 1.0

#: How often workers are replaced without anything coming of it.
REPLACEMENTS = 3

#: How often a task is sent whose worker vanished before it began.
ATTEMPTS = 2

#: Seconds in which the system tells how a process ended whose library has noticed its death.
REAPING = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """After how many failures a run need not go on; those of the tasks in `tolerated` do not count.

    Tasks that come before the failed ones are still carried out.
    """

    failures: int
    tolerated: frozenset[int] = frozenset()


@dataclass(slots=True, kw_only=True)
class Suspicion:
    """Tasks of which one has ended the workers of all; `cleared` have ended well alone."""

    reason: str
    tasks: tuple[int, ...]
    cleared: set[int] = field(default_factory=set)


class Watch:
    """Hand out batches and wait for their end, whatever happens to the workers."""

    def __init__(
        self,
        workers: Workers,
        start: Callable[[], Workers],
        call: BatchCall,
        ledger: Ledger,
        schedule: Schedule,
        tasks: Sequence[Task],
        losses: Losses,
        *,
        stop: Stop | None = None,
    ) -> None:
        self.workers = workers
        self._start = start
        self._call = call
        self._ledger = ledger
        self._schedule = schedule
        self._tasks = tasks
        self._losses = losses
        self._stop = stop
        self._has_limits = any(task.timeout is not None for task in tasks)
        self._deaths = Deaths(workers)
        self._in_flight: dict[int, Batch] = {}
        self._lost_before: dict[int, int] = {}  # how many were lost when a batch was handed out
        self._attempts: dict[int, int] = {}
        self._suspects: deque[int] = deque()
        self._suspicions: list[Suspicion] = []
        self._alone: int | None = None
        self._given_up: set[int] = set()  # batches whose threads are left to themselves
        self._ended_by_us: set[int] = set()
        self._buried = 0
        self._replaced = 0
        self._target = 1
        self._first_arrival: float | None = None
        self._progress = now()
        self._has_begun = False
        self.released: float | None = None

    def run(self) -> None:
        """Return when every task is stored or lost, or enough have failed."""
        self._progress = now()
        self._push(at_start=True)
        heartbeat = now() + HEARTBEAT
        while self._in_flight or self._suspects or self._schedule:
            waiting = GLANCE if self.released is None else HEARTBEAT
            for event in self.workers.poll(waiting):
                self._take(event)
            if self.released is None:
                self._consider_release()
            if now() >= heartbeat:
                self._check_health()
                if self._stop is not None and self._is_enough(self._stop):
                    self._stop = None
                    self._stop_here()
                heartbeat = now() + HEARTBEAT
            self._push()

    def interrupt(self, detail: str) -> None:
        """Take what has no end yet as interrupted."""
        self._drop_all(Lost(reason="interrupted", detail=detail))

    def _stop_here(self) -> None:
        """Hand out nothing more, and wait for threads alone, which cannot be ended."""
        running = {}
        if isinstance(self._call, ThreadCall):
            for batch in list(self._in_flight.values()):
                if not self._call.take_back(batch):
                    running[batch.number] = self._in_flight.pop(batch.number)
        self.interrupt("it was not run: enough had failed before it")
        self._in_flight.update(running)

    # Handing out.

    def _push(self, *, at_start: bool = False) -> None:
        """Hand out what the workers have room for."""
        batches = self._next_batches()
        self._in_flight.update((batch.number, batch) for batch in batches)
        self._lost_before.update((batch.number, len(self._losses)) for batch in batches)
        if at_start:
            self._target = min(self.workers.size, len(batches))
            if self._target <= 1:
                self._release()
        if batches:
            try:
                self.workers.submit(self._call, batches)
            except Exception as error:  # no process can be started any more, say
                self._give_up(f"it takes no more tasks: {type(error).__name__}: {error}")

    def _next_batches(self) -> list[Batch]:
        if self._in_flight and (self._suspects or self._alone is not None):
            return []  # each of them is tried alone
        if self._suspects:
            self._alone = self._suspects.popleft()
            return [self._schedule.single(self._alone)]
        self._alone = None
        if self.workers.eager:
            return [] if self._in_flight else self._schedule.all()
        batches: list[Batch] = []
        room = self.workers.size * self._schedule.window - len(self._in_flight)
        while room > len(batches) and (batch := self._schedule.next()):
            batches.append(batch)
        return batches

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

    # What came of it.

    def _take(self, event: Event) -> None:
        self._progress = now()
        if event.batch is None:
            self._suspect(list(self._in_flight.values()), event.reason)
            return
        done = self._in_flight.get(event.batch)
        if done is None:
            return  # its end was seen in the ledger before
        if event.kind == "done" and self._is_over(done):
            self._finish(done)
            return
        owner = self._owner(done)
        until = now() + REAPING
        while event.kind == "broken" and self._deaths.is_awaited(owner) and now() < until:
            time.sleep(GLANCE)
        told = self._deaths.all([]).get(owner)
        self._bury([done], told or event.reason or "it came back without an outcome")

    def _finish(self, batch: Batch) -> None:
        del self._in_flight[batch.number]
        del self._lost_before[batch.number]
        self._has_begun = True
        self._replaced = 0
        if batch.tasks == (self._alone,):
            self._clear(batch.tasks[0])
        arrived, _, _ = self._ledger.times(batch.tasks[0])
        _, _, ended = self._ledger.times(batch.tasks[-1])
        if arrived is not None and ended is not None:
            begin = max(arrived, self.released or arrived)
            self._schedule.observe(max(0.0, ended - begin) / len(batch.tasks))

    def _clear(self, task: int) -> None:
        """Take note that a suspect has ended well alone; if all have, the death is unexplained."""
        for suspicion in self._suspicions:
            if task in suspicion.tasks and task not in self._losses:
                suspicion.cleared.add(task)
                if suspicion.cleared.issuperset(suspicion.tasks):
                    self._losses.unexplained(suspicion.tasks, suspicion.reason)

    def _is_over(self, batch: Batch) -> bool:
        if isinstance(self._call, ThreadCall):
            for task in self._call.overdue.intersection(batch.tasks):
                self._losses.overdue(task)
        return all(
            self._ledger.state(task) is State.STORED or task in self._losses for task in batch.tasks
        )

    def _is_enough(self, stop: Stop) -> bool:
        """Return whether enough tasks have failed, and nothing before the last of these is open."""
        failed = sorted(
            task
            for task in range(len(self._tasks))
            if task not in stop.tolerated
            and (
                task in self._losses
                or (
                    self._ledger.state(task) is State.STORED
                    and self._ledger.place(task)[0] == "failure"
                )
            )
        )
        if len(failed) < stop.failures:
            return False
        return all(
            self._ledger.state(task) is State.STORED or task in self._losses
            for task in range(failed[stop.failures - 1])
        )

    # What died, and what takes too long.

    def _suspect(self, batches: Sequence[Batch], reason: str) -> None:
        """End batches of which one has ended the workers of all.

        If only one task was running, or one has left a stack, that one is it. Where it was we who
        ended a worker, none is; else each has to be tried alone.
        """
        begun = [
            task
            for batch in batches
            for task in batch.tasks
            if self._ledger.state(task) in (State.STARTED, State.ENDED) and task not in self._losses
        ]
        told = [t for t in begun if self._losses.stack_of(self._ledger.worker(t)).code]
        guilty = told or (begun if len(begun) == 1 else [])
        if self._ended_by_us:
            guilty = []
        elif not guilty and begun:
            for task in begun:
                self._losses.note_try(task)
            self._suspects.extend(begun)
            self._suspicions.append(Suspicion(reason=reason, tasks=tuple(begun)))
        self._ended_by_us.clear()
        self._bury(
            batches,
            reason,
            innocent=frozenset(begun) - frozenset(guilty),
            is_ours=bool(begun),
        )

    def _bury(
        self,
        batches: Sequence[Batch],
        reason: str,
        *,
        innocent: frozenset[int] = frozenset(),
        is_ours: bool = False,
    ) -> None:
        """End batches whose workers are gone: keep what is stored, send again what never began.

        Of `innocent` tasks nobody knows whether they are to blame; they too are sent again, the
        suspects among them alone. With `is_ours` no task is to blame.
        """
        tasks = [task for batch in batches for task in batch.tasks]
        begun = [task for task in tasks if self._ledger.state(task) >= State.STARTED]
        for task in begun:
            if self._ledger.state(task) is not State.STORED and task not in innocent:
                self._losses.crashed(task, reason, is_alone=task == self._alone)
        again = []
        lost = len(self._losses)
        for batch in batches:
            del self._in_flight[batch.number]
            # Where another task is to blame, these have lost nothing by it.
            others = lost > self._lost_before.pop(batch.number)
            is_blameless = others or is_ours or bool(innocent)
            for task in batch.tasks:
                if task in innocent:
                    self._ledger.reset(task)
                    if task not in self._suspects:
                        again.append(task)
                elif task not in begun and task not in self._losses:
                    self._attempts[task] = self._attempts.get(task, 1) + (not is_blameless)
                    if self._attempts[task] > ATTEMPTS:
                        self._losses.never_began(task, reason)
                    else:
                        self._ledger.reset(task)
                        again.append(task)
        self._schedule.put_back(sorted(again))
        self._has_begun |= bool(begun)
        self._buried += len(batches)
        if not self._has_begun and self._buried >= max(8, 4 * self.workers.size):
            self._give_up(f"no worker could begin: {reason}")

    def _check_health(self) -> None:
        for batch in [batch for batch in self._in_flight.values() if self._is_over(batch)]:
            self._finish(batch)
            self._progress = now()
        if self._has_limits:
            self._end_overdue()
        self._look_for_the_dead()
        idle = now() - self._progress
        if idle <= STALL or self._is_any_running():
            return
        if self._deaths.has_any:
            # The library has lost what it was given with a worker, or its queue.
            self._replace("workers die before they begin")
        elif self._given_up:
            self._replace("threads do not come back")
        elif idle > START_PATIENCE:
            self._give_up(f"no worker took it for {START_PATIENCE:.0f} s")

    def _look_for_the_dead(self) -> None:
        owners = {self._owner(batch) for batch in self._in_flight.values()}
        fresh = self._deaths.fresh(owners)
        if not fresh:
            return
        self._progress = now()
        hit = [b for b in self._in_flight.values() if self._owner(b) in fresh]
        hit = [batch for batch in hit if not self._is_over(batch)]
        if len(hit) > 1 and all(fresh[self._owner(batch)] == UNKNOWN for batch in hit):
            self._suspect(hit, UNKNOWN)
            return
        for batch in hit:
            if batch.number in self._in_flight:  # or all were given up meanwhile
                self._bury([batch], fresh[self._owner(batch)])

    def _end_overdue(self) -> None:
        """End the workers whose task has had its time."""
        for batch in list(self._in_flight.values()):
            task = self._running(batch)
            limit = self._tasks[task].timeout if task is not None else None
            if task is None or limit is None or batch.number in self._given_up:
                continue
            arrived, started, _ = self._ledger.times(task)
            begin = started if started is not None else max(arrived or 0.0, self.released or now())
            if now() <= begin + limit:
                continue
            if isinstance(self._call, ThreadCall):
                if self._call.give_up(batch, task):
                    self._leave_to_its_thread(batch, task)
            elif self.workers.reach == "machine":
                worker = self._ledger.worker(task)
                if end_worker(worker, partial(self._is_in_hand, task, worker)):
                    self._ended_by_us.add(worker)
                    self._losses.overdue(task)
            self._progress = now()

    def _leave_to_its_thread(self, batch: Batch, task: int) -> None:
        self._losses.overdue(task, "; its thread cannot be ended and goes on")
        self._given_up.add(batch.number)
        del self._in_flight[batch.number]
        del self._lost_before[batch.number]
        rest = [other for other in batch.tasks if self._ledger.state(other) is State.PENDING]
        self._schedule.put_back(sorted(rest))
        if len(self._given_up) >= self.workers.size and (self._in_flight or self._schedule):
            self._replace("threads do not come back")

    def _replace(self, reason: str) -> None:
        """Start new workers in the place of those that take nothing any more."""
        self._replaced += 1
        if self._replaced > (REPLACEMENTS if self._has_begun else 1):
            self._give_up(f"no worker could begin: {reason}")
            return
        if isinstance(self._call, ThreadCall):
            batches = [b for b in self._in_flight.values() if self._call.take_back(b)]
        else:
            batches = list(self._in_flight.values())
        self.workers.close(REPLACING)
        began = [t for b in batches for t in b.tasks if self._ledger.state(t) >= State.STARTED]
        innocent = frozenset(task for task in began if not self._is_stored(task))
        self._bury(batches, reason, innocent=innocent, is_ours=True)
        try:
            self.workers = self._start()
        except Exception as error:
            self._give_up(f"it cannot start new workers: {type(error).__name__}: {error}")
            return
        self._deaths.replaced(self.workers)
        self._given_up.clear()
        self._ended_by_us.clear()
        self._progress = now()

    def _is_stored(self, task: int) -> bool:
        return self._ledger.state(task) is State.STORED

    def _owner(self, batch: Batch) -> int:
        """Return the process or thread that began last with a task of `batch`, else 0."""
        for task in reversed(batch.tasks):
            if self._ledger.state(task) is not State.PENDING:
                return self._ledger.worker(task)
        return 0

    def _running(self, batch: Batch) -> int | None:
        """Return the task of `batch` that a worker has in hand, None if there is none."""
        for task in batch.tasks:
            if self._ledger.state(task) in (State.ARRIVED, State.STARTED):
                return None if task in self._losses else task
        return None

    def _is_in_hand(self, task: int, worker: int) -> bool:
        is_running = self._ledger.state(task) in (State.ARRIVED, State.STARTED)
        return is_running and self._ledger.worker(task) == worker

    def _is_any_running(self) -> bool:
        running = (State.ARRIVED, State.STARTED, State.ENDED)
        return any(
            self._ledger.state(task) in running
            and task not in self._losses
            and not self._deaths.is_told(self._ledger.worker(task))
            for batch in self._in_flight.values()
            for task in batch.tasks
        )

    def _give_up(self, detail: str) -> None:
        self._drop_all(Lost(reason="backend", detail=detail))

    def _drop_all(self, lost: Lost) -> None:
        open_tasks = [task for batch in self._in_flight.values() for task in batch.tasks]
        open_tasks.extend(self._suspects)
        while batch := self._schedule.next():
            open_tasks.extend(batch.tasks)
        self._in_flight.clear()
        self._suspects.clear()
        for task in open_tasks:
            if not self._is_stored(task) and task not in self._losses:
                self._losses.add(task, lost)
