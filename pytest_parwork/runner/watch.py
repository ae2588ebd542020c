"""The watch over a run: submit batches, and check the workers until every task has an end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..backends.protocol import Event
from ..machine.clock import now
from ..model.outcome import Lost
from ..model.work import Batch, Task
from ..transport.ledger import DamagedError
from .burial import Burial, Suspects
from .crew import Crew
from .damage import Damage
from .flight import Flight, Rendezvous
from .losses import Losses, none_starts
from .medium import Medium
from .overdue import Overdue
from .progress import Reporter
from .request import Progress
from .schedule import Schedule
from .standstill import Standstill
from .supply import Supply
from .suspension import Suspension
from .waits import HEARTBEAT, READY, STALL


class Watch:
    """Submits batches and waits for their end, whatever happens to the workers.

    `is_enough` says when the run may stop. `released` is when the first tasks could start.
    """

    def __init__(
        self,
        crew: Crew,
        medium: Medium,
        schedule: Schedule,
        tasks: Sequence[Task],
        losses: Losses,
        suspension: Suspension,
        *,
        is_enough: Callable[[], bool] | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._crew = crew
        self._medium = medium
        self._ledger = medium.ledger
        self._schedule = schedule
        self._losses = losses
        self._suspension = suspension
        self._is_enough = is_enough
        size = crew.workers.size
        self._flight = Flight(medium, losses)
        self._damage = Damage(medium, schedule, self._flight, losses, tasks=len(tasks))
        self._deaths = crew.deaths
        self._suspects = Suspects()
        self._supply = Supply(medium, schedule, self._flight, self._suspects, self._damage)
        self._burial = Burial(
            medium, schedule, self._flight, losses, self._suspects, self._deaths, workers=size
        )
        self._overdue = Overdue(medium, schedule, self._flight, losses, self._deaths, tasks)
        self._standstill = Standstill(
            medium,
            self._flight,
            losses,
            self._suspects,
            self._burial,
            self._deaths,
            tasks,
        )
        self._rendezvous = Rendezvous(self._flight, suspension)
        self._reporter = Reporter(progress, medium, self._flight, losses, total=len(tasks))
        self._ended = 0
        self._progress = now()
        self._next_look = now() + HEARTBEAT
        self.released: float | None = None

    def run(self) -> None:
        """Return when every task is stored or lost, or enough have failed."""
        with self._suspension.noted():
            self._push(at_start=True)
            while self._is_under_way():
                self._suspension.look()
                try:
                    self._go_on()
                except DamagedError:
                    self._mend()
        self._reporter.report(self._crew.workers.size)

    def _go_on(self) -> None:
        waiting = self._rendezvous.glance() if self.released is None else HEARTBEAT
        for event in self._crew.workers.poll(waiting):
            self._take(event)
        self._consider_release()
        if now() >= self._next_look:
            self._check_health()
            self._reporter.look(self._crew.workers.size)
            self._next_look = now() + HEARTBEAT
        if self._burial.is_hopeless:
            self._drop_all(none_starts(self._burial.reason, self._medium))
        self._push()

    def _is_under_way(self) -> bool:
        is_empty = not (self._flight or self._suspects or self._schedule)
        return not is_empty or self._standstill.is_any_stopped(self._crew.workers)

    @property
    def has_left_threads(self) -> bool:
        """Whether there are threads whose task was given up and is still running."""
        return self._overdue.threads_left > 0

    def interrupt(self, detail: str) -> None:
        """Mark all tasks without an end as interrupted."""
        self._drop_all(Lost(reason="interrupted", detail=detail))

    # What is submitted.

    def _push(self, *, at_start: bool = False) -> None:
        """Submit the batches that the workers have room for."""
        batches = self._supply.next(self._crew.workers)
        self._flight.add(batches)
        if at_start:
            self._rendezvous.expect(min(self._crew.workers.size, len(batches)))
            self._consider_release()
        if batches:
            try:
                self._crew.workers.submit(self._medium.call, batches)
            except Exception as error:  # for example, no process can be started any more
                self._give_up(f"it accepts no more tasks: {type(error).__name__}: {error}")
            self._progress = now()  # some libraries first wait for the successor of a dead worker

    def _consider_release(self) -> None:
        """Release the first tasks, once the workers have met."""
        if self.released is None and self._rendezvous.is_over():
            self._medium.release(self._crew.workers)
            self.released = now()

    # What became of the batches.

    def _take(self, event: Event) -> None:
        self._progress = now()
        if event.kind == "starting":
            return
        if event.kind == "gone":
            self._give_up(event.reason)
            return
        if event.batch is None:
            self._burial.end_all(event)
            return
        batch = self._flight.get(event.batch)
        if batch is None:
            return  # the ledger has shown its end already
        self._damage.check()
        if event.kind == "arrived":
            self._medium.arrive(batch, event.worker)
            return
        self._overdue.note(batch)
        self._burial.read(self._medium.take(event.body))
        if event.kind == "done" and self._is_settled(batch):
            self._finish(batch)
            return
        owner = self._flight.process_of(batch)
        if event.kind == "broken":
            self._deaths.await_end(owner)
        # First the workers that died while running a task: their other tasks are not to blame.
        self._burial.look_for_the_dead()
        if batch not in self._flight:
            return
        reason = event.reason or "it came back without an outcome"
        if event.kind == "broken" and not owner:
            self._burial.bury_of_broken(batch, reason)
        elif event.kind == "broken" and self._deaths.is_living(owner):
            self._standstill.end_cut_off(owner, self._flight.in_hand(batch))
        else:
            how = self._deaths.all([]).get(owner) or reason
            self._burial.bury_of_one(batch, how, event)

    def _is_settled(self, batch: Batch) -> bool:
        """Return whether a batch is over, except for suspects, which are tried on their own."""
        return self._flight.is_over(batch) or all(
            self._flight.has_end(task) or task in self._suspects for task in batch.tasks
        )

    def _finish(self, batch: Batch) -> None:
        self._flight.land(batch)
        self._burial.note_begin()
        self._crew.note_progress()
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
            if (unexplained := self._suspects.clear(suspect)) is not None:
                self._losses.unexplained(unexplained.tasks, unexplained.reason)

    def _stop_here(self) -> None:
        """Submit nothing more, and wait only for tasks that cannot be ended."""
        running = [batch for batch in self._flight if not self._medium.withdraw(batch)]
        for batch in running:
            self._flight.land(batch)
        self.interrupt("it was not run, because enough tests had failed (-x, --maxfail)")
        self._flight.add(running)

    # What died, and what takes too long.

    def _check_health(self) -> None:
        self._medium.look()
        self._damage.check()
        for batch in self._flight:
            if self._flight.is_over(batch):
                self._finish(batch)
                self._progress = now()
        if self._overdue.look(self.released):
            self._burial.note_begin()
            self._crew.note_progress()
            self._progress = now()
        if self._standstill.look(self._crew.workers) | self._burial.look_for_the_dead():
            self._progress = now()
        if self._is_enough is not None and self._is_enough():
            self._is_enough = None
            self._stop_here()
        if self._overdue.threads_left >= self._crew.workers.size and (
            self._flight or self._schedule
        ):
            self._replace("threads do not return from their tasks")
        idle = now() - self._progress - self._suspension.since(self._progress)
        if self._medium.is_apart:
            # Only the adapter knows whether there are workers; tasks are ended where they run.
            if idle > self._overdue.patience and self._overdue.is_all(idle):
                lost = Lost(reason="timeout", detail=f"no outcome arrived for {idle:.0f} s")
                self._drop_all(lost)
            return
        if idle <= STALL or self._flight.is_any_running(self._deaths.is_reported):
            return
        self._overdue.wake_the_stopped(self._crew.workers.pids())
        ended = self._flight.count_ended()
        if ended != self._ended:  # for example between two tasks of a long batch
            self._ended = ended
            self._progress = now()
            return
        if self._deaths.has_any:
            if idle < READY and self._deaths.are_at_work():
                return  # they may still import what the tasks need
            # The library has lost batches with a worker, or with its queue.
            self._replace("workers die before they start a task")
        elif self._overdue.threads_left:
            self._replace("threads do not return from their tasks")
        elif idle > self._overdue.patience:
            self._drop_all(self._overdue.end_the_unready(self._overdue.patience))

    def _replace(self, reason: str) -> None:
        """Start new workers in place of those that accept no tasks any more."""
        if not self._crew.may_be_replaced(has_begun=self._burial.has_begun):
            self._drop_all(none_starts(self._deaths.idle or reason, self._medium))
            return
        batches = [batch for batch in self._flight if self._medium.withdraw(batch)]
        self._crew.dismiss()
        innocent = frozenset(self._flight.begun(batches))
        self._burial.bury(batches, reason, innocent=innocent, is_known=True)
        self._start_others()

    def _mend(self) -> None:
        """Continue with new workers after a task has written into the shared table."""
        self._crew.dismiss()
        self._damage.mend()
        if not self._crew.may_be_mended():
            self._give_up("the shared table of the run was damaged repeatedly")
            return
        self._start_others()

    def _start_others(self) -> None:
        try:
            self._crew.renew()
        except Exception as error:
            self._give_up(f"it cannot start new workers: {type(error).__name__}: {error}")
            return
        self._overdue.forget_workers()
        self._progress = now()

    def _give_up(self, detail: str) -> None:
        self._drop_all(Lost(reason="backend", detail=detail))

    def _drop_all(self, lost: Lost) -> None:
        """Lose all tasks without an end: submitted, suspected, or not submitted yet."""
        dropped = self._suspects.drop()
        for batch in self._flight:
            self._flight.land(batch)
            dropped.extend(batch.tasks)
        while left := self._schedule.next():
            dropped.extend(left.tasks)
        for task in dropped:
            if not self._flight.has_end(task):
                self._losses.add(task, lost)
