"""Hand out batches and watch over the workers until every task has an end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from ..backends.protocol import UNKNOWN, Event, NetworkWorkers, Workers
from ..machine.clock import now
from ..model.outcome import Lost
from ..model.work import Batch, Task
from ..transport.journal import Entry
from ..transport.ledger import DamagedError, Ledger
from ..worker.calling import GLANCE, BatchCall
from ..worker.capture.files import OutputFiles
from ..worker.threads import ThreadCall
from .burial import Burial
from .damage import Damage
from .deaths import Deaths
from .flight import Flight
from .inbox import Inbox
from .losses import Losses
from .overdue import START_PATIENCE, Overdue
from .rendezvous import Rendezvous
from .schedule import Schedule
from .standstill import Standstill
from .suspects import Suspects
from .suspension import Suspension

__all__ = ["Watch"]

#: Seconds between two looks at the health of the workers.
HEARTBEAT = 0.05

#: Seconds without any progress, after a worker died, until all of them are replaced.
STALL = 1.0

#: Seconds that workers which are replaced have to end.
REPLACING = 1.0

#: How often workers are replaced without anything coming of it.
REPLACEMENTS = 3

#: How often the table is mended.
MENDINGS = 10


class Watch:
    """Hand out batches and wait for their end, whatever happens to the workers.

    `start` starts new workers in the place of `workers`, `settled` takes what the `ledger` says of
    tasks that have ended, if that is another table, `spools` are the descriptors of the files with
    their outcomes. `inbox` takes what workers send where nothing is shared with them, `is_enough`
    says when the run need not go on, `outputs` are the files that workers print to.
    """

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
        settled: Ledger,
        spools: Sequence[int] = (),
        inbox: Inbox | None = None,
        is_enough: Callable[[], bool] | None = None,
        outputs: OutputFiles | None = None,
    ) -> None:
        self.workers = workers
        self._start = start
        self._call = call
        self._ledger = ledger
        self._schedule = schedule
        self._losses = losses
        self._inbox = inbox
        self._is_enough = is_enough
        self._outputs = outputs
        self._spools = spools
        self._flight = Flight(ledger, losses, settled=settled, spools=len(spools))
        self._damage = Damage(
            ledger, settled, schedule, self._flight, losses, tasks=len(tasks), spools=spools
        )
        self._suspension = Suspension()
        self._deaths = Deaths(workers, self._suspension)
        self._suspects = Suspects()
        self._burial = Burial(
            ledger,
            schedule,
            self._flight,
            losses,
            self._suspects,
            workers=workers.size,
            is_apart=inbox is not None,
        )
        self._overdue = Overdue(
            ledger, schedule, self._flight, losses, tasks, call, self._suspension
        )
        self._standstill = Standstill(
            ledger,
            self._flight,
            losses,
            self._suspects,
            self._burial,
            self._deaths,
            self._overdue,
            tasks,
            is_apart=inbox is not None,
        )
        self._is_death_known = False
        self._counted = 0  # deaths that have counted for `is_hopeless`
        self._replaced = 0
        self._mended = 0
        self._ended = 0
        self._rendezvous = Rendezvous(self._flight, self._suspension)
        self._progress = now()
        self.released: float | None = None

    def run(self) -> None:
        """Return when every task is stored or lost, or enough have failed."""
        self._progress = now()
        self._next_look = now() + HEARTBEAT
        with self._suspension.noted():
            self._push(at_start=True)
            while self._is_under_way():
                self._suspension.look()
                try:
                    self._go_on()
                except DamagedError:
                    self._mend()

    def _go_on(self) -> None:
        waiting = GLANCE if self.released is None else HEARTBEAT
        for event in self.workers.poll(waiting):
            self._take(event)
        self._consider_release()
        if now() >= self._next_look:
            self._check_health()
            self._next_look = now() + HEARTBEAT
        self._push()

    def _is_under_way(self) -> bool:
        is_empty = not (self._flight or self._suspects or self._schedule)
        return not is_empty or self._standstill.is_any_stopped(self.workers)

    def interrupt(self, detail: str) -> None:
        """Take what has no end yet as interrupted."""
        self._drop_all(Lost(reason="interrupted", detail=detail))

    # Handing out.

    def _push(self, *, at_start: bool = False) -> None:
        """Hand out what the workers have room for."""
        batches = self._next_batches()
        self._flight.add(batches)
        if at_start:
            self._rendezvous.expect(min(self.workers.size, len(batches)))
            self._consider_release()
        if batches:
            try:
                self.workers.submit(self._call, batches)
            except Exception as error:  # no process can be started any more, say
                self._give_up(f"it takes no more tasks: {type(error).__name__}: {error}")

    def _next_batches(self) -> list[Batch]:
        is_one_at_a_time = self._suspects or self._suspects.alone is not None
        if self._flight and (is_one_at_a_time or self._damage.is_searched):
            return []  # each of them is tried alone
        suspect = self._suspects.next()
        if suspect is not None:
            # Not before: dask may run again by itself what was on a worker that has died.
            self._flight.reopen(suspect)
            return [self._schedule.single(suspect)]
        if self._damage.is_searched:
            self._damage.check()  # or it would not be known which of two has done it
            batch = self._schedule.next()
            return [] if batch is None else [batch]
        if self.workers.eager:
            return [] if self._flight else self._schedule.all()
        batches: list[Batch] = []
        window = self._schedule.window
        if self._inbox is not None:  # a cluster holds the death of a worker against all it had
            window = min(window, 2)
        room = self.workers.size * window - len(self._flight)
        while room > len(batches) and (batch := self._schedule.next()):
            batches.append(batch)
        return batches

    def _consider_release(self) -> None:
        """Let the first tasks begin, once the workers have met."""
        if self.released is not None or not self._rendezvous.is_over():
            return
        self._ledger.release()
        if self._inbox is not None:
            cast("NetworkWorkers", self.workers).release()
        self.released = now()

    # What came of it.

    def _take(self, event: Event) -> None:
        self._progress = now()
        if event.kind == "starting":
            return
        if event.kind == "gone":
            self._give_up(event.reason)
            return
        if event.batch is None:
            if self.workers.reach == "machine":
                self._deaths.await_codes(self._flight.owners())
            is_known = self._look_for_the_dead() or self._is_death_known
            self._is_death_known = False
            self._suspect(list(self._flight), event.reason, is_known=is_known, alive=event.alive)
            return
        batch = self._flight.get(event.batch)
        if batch is None:
            return  # its end was seen in the ledger before
        self._damage.check()
        if event.kind == "arrived" and self._inbox is not None:
            self._ledger.arrive(batch.tasks[0], self._inbox.number(event.worker), now())
            return
        self._overdue.note(batch)
        if self._inbox is not None and event.body:
            self._read(self._inbox.take(event.body))
        if event.kind == "done" and self._is_settled(batch):
            self._finish(batch)
            return
        owner = self._flight.owner(batch) if self._inbox is None else 0
        if event.kind == "broken":
            self._deaths.await_end(owner)
        # Those that died with a task in hand first: others that they had are not to blame.
        self._look_for_the_dead()
        if batch not in self._flight:
            return
        if event.kind == "broken" and owner and self._deaths.is_living(owner):
            self._standstill.end_cut_off(owner, self._flight.in_hand(batch))
            return
        how = self._deaths.all([]).get(owner)
        if how is None and not owner and event.kind == "broken":
            how = self._deaths.idle  # it never began with the batch
        # Of a worker that has died, each batch comes back that it had.
        is_death = owner or event.kind != "broken" or self._deaths.count != self._counted
        is_death = is_death or not self.workers.pids()
        self._counted = self._deaths.count
        reason = how or event.reason or "it came back without an outcome"
        self._bury(batch, reason, is_death=bool(is_death))

    def _is_settled(self, batch: Batch) -> bool:
        """Return whether all that is to come of a batch has; suspects in it are tried alone."""
        return self._flight.is_over(batch) or all(
            self._flight.has_end(task) or task in self._suspects for task in batch.tasks
        )

    def _read(self, entries: Sequence[Entry]) -> None:
        """Take note of the tasks that ended their process, as the journals on its host tell."""
        for entry in entries:
            self._losses.know_stack(entry.pid, entry.stack)
            if entry.kind == "timeout":
                self._losses.overdue(entry.task, pid=entry.pid)
                continue
            if entry.kind == "stopped":
                self._standstill.judge(entry)
                continue
            how = self._deaths.await_code(entry.pid)
            is_alone = entry.task == self._suspects.alone
            if entry.suspects > 1 and not is_alone:
                self._losses.note_try(entry.task, pid=entry.pid)
                self._suspects.accuse([entry.task], how, pid=entry.pid)
                self._ledger.reset(entry.task)
            else:
                self._losses.crashed(entry.task, how, is_alone=is_alone, pid=entry.pid)

    def _finish(self, batch: Batch) -> None:
        self._flight.land(batch)
        self._burial.note_begin()
        self._replaced = 0
        arrived, _, _ = self._ledger.times(batch.tasks[0])
        _, _, ended = self._ledger.times(batch.tasks[-1])
        if arrived is not None and ended is not None:
            begin = max(arrived, self.released or arrived)
            count = len(batch.tasks)
            self._schedule.observe(max(0.0, ended - begin) / count, tasks=count)
        suspect = self._suspects.alone
        if suspect is not None and suspect in batch.tasks and suspect not in self._losses:
            if self._standstill.is_guilty(suspect):
                return
            unexplained = self._suspects.clear(suspect)
            if unexplained is not None:
                self._losses.unexplained(unexplained.tasks, unexplained.reason)

    def _stop_here(self) -> None:
        """Hand out nothing more, and wait for threads alone, which cannot be ended."""
        running = []
        if isinstance(self._call, ThreadCall):
            running = [batch for batch in self._flight if not self._call.take_back(batch)]
            for batch in running:
                self._flight.land(batch)
        self.interrupt("it was not run: enough had failed before it")
        self._flight.add(running)

    # What died, and what takes too long.

    def _check_health(self) -> None:
        if self._outputs is not None:
            self._outputs.trim()
        self._damage.check()
        for batch in self._flight:
            if self._flight.is_over(batch):
                self._finish(batch)
                self._progress = now()
        if self._inbox is None and self._overdue.look(self.released):
            self._burial.note_begin()
            self._replaced = 0
            self._progress = now()
        if self._standstill.look(self.workers):
            self._progress = now()
        self._look_for_the_dead()
        if self._is_enough is not None and self._is_enough():
            self._is_enough = None
            self._stop_here()
        if self._overdue.threads_left >= self.workers.size and (self._flight or self._schedule):
            self._replace("threads do not come back")
        idle = now() - self._progress - self._suspension.since(self._progress)
        if self._inbox is not None:
            # Only the adapter knows whether there are workers; tasks are ended where they run.
            if idle > START_PATIENCE and self._overdue.is_all(idle, START_PATIENCE):
                self._give_up(f"nothing came back for {idle:.0f} s")
            return
        if idle <= STALL or self._flight.is_any_running(self._deaths.is_told):
            return
        self._overdue.wake_the_stopped(self._spools, self.workers.pids())
        ended = self._flight.count_ended()
        if ended != self._ended:  # between two tasks of a long batch, say
            self._ended = ended
            self._progress = now()
            return
        if self._deaths.has_any:
            # The library has lost what it was given with a worker, or its queue.
            self._replace("workers die before they begin")
        elif self._overdue.threads_left:
            self._replace("threads do not come back")
        elif idle > self._overdue.patience:
            patience = self._overdue.patience
            self._give_up(self._overdue.end_the_unready(self._spools, patience))

    def _look_for_the_dead(self) -> bool:
        """End the batches of workers that have died; return whether it is known how one did."""
        if self._inbox is not None:
            return False  # they tell themselves
        fresh = self._deaths.fresh(self._flight.owners())
        if not fresh:
            return False
        self._progress = now()
        hit = [batch for batch in self._flight if self._flight.owner(batch) in fresh]
        hit = [batch for batch in hit if not self._flight.is_over(batch)]
        if len(hit) > 1 and all(fresh[self._flight.owner(batch)] == UNKNOWN for batch in hit):
            self._suspect(hit, UNKNOWN)
            return False
        for batch in hit:
            if batch in self._flight:  # or all were given up meanwhile
                self._bury(batch, fresh[self._flight.owner(batch)])
        # The library may tell of it later, when it ends the others.
        self._is_death_known |= bool(hit)
        return bool(hit)

    def _suspect(
        self,
        batches: Sequence[Batch],
        reason: str,
        *,
        is_known: bool = False,
        alive: frozenset[int] = frozenset(),
    ) -> None:
        is_known |= bool(self._overdue.ended)
        self._burial.suspect(batches, reason, is_known=is_known, alive=alive)
        self._overdue.ended.clear()
        self._consider_giving_up(reason)

    def _bury(self, batch: Batch, reason: str, *, is_death: bool = True) -> None:
        self._burial.bury_of_one(batch, reason, is_death=is_death)
        self._consider_giving_up(reason)

    def _consider_giving_up(self, reason: str) -> None:
        if self._burial.is_hopeless:
            self._give_up(f"no worker could begin: {reason}")

    def _replace(self, reason: str) -> None:
        """Start new workers in the place of those that take nothing any more."""
        self._replaced += 1
        if self._replaced > (REPLACEMENTS if self._burial.has_begun else 1):
            self._give_up(f"no worker could begin: {self._deaths.idle or reason}")
            return
        batches = list(self._flight)
        if isinstance(self._call, ThreadCall):
            batches = [batch for batch in batches if self._call.take_back(batch)]
        self.workers.close(REPLACING)
        innocent = frozenset(self._flight.begun(batches))
        self._burial.bury(batches, reason, innocent=innocent, is_known=True)
        self._start_others()

    def _mend(self) -> None:
        """Go on with new workers after one has written into the table of all."""
        self._mended += 1
        self.workers.close(REPLACING)
        self._damage.mend()
        if self._mended > MENDINGS:
            self._give_up("the shared table of the run was damaged again and again")
            return
        self._start_others()

    def _start_others(self) -> None:
        try:
            self.workers = self._start()
        except Exception as error:
            self._give_up(f"it cannot start new workers: {type(error).__name__}: {error}")
            return
        self._deaths.replaced(self.workers)
        self._overdue.forget_workers()
        self._progress = now()

    def _give_up(self, detail: str) -> None:
        self._drop_all(Lost(reason="backend", detail=detail))

    def _drop_all(self, lost: Lost) -> None:
        """Lose what has no end: in flight, suspected, or not handed out."""
        dropped = self._suspects.drop()
        for batch in self._flight:
            self._flight.land(batch)
            dropped.extend(batch.tasks)
        while left := self._schedule.next():
            dropped.extend(left.tasks)
        for task in dropped:
            if not self._flight.has_end(task):
                self._losses.add(task, lost)
