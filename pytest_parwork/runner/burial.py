"""The tasks of dead workers: which are lost, tried on their own, or sent again."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Sequence
from dataclasses import field

from ..backends.protocol import UNKNOWN, Event
from ..model.dataclass import dataclass
from ..model.work import Batch
from ..transport.notes import Entry
from .deaths import Deaths
from .flight import Flight
from .losses import Losses
from .medium import Medium
from .prospects import Prospects
from .schedule import Schedule

#: The reason for the end of a worker that the runner ended because it was stopped.
STOPPED = "it was stopped by a signal"

#: How often a task is sent if its worker vanishes before the task has started.
ATTEMPTS = 2


@dataclass(slots=True, kw_only=True)
class Suspicion:
    """Tasks that were running when their workers ended for one `reason`, or their process `pid`.

    With `is_foreign`, it may be none of them, because somebody else has sent a signal.
    """

    reason: str
    tasks: list[int]
    pid: int | None = None
    is_foreign: bool = False
    cleared: set[int] = field(default_factory=set)


class Suspects:
    """Tasks to be tried on their own; `alone` is the one that is being tried."""

    def __init__(self) -> None:
        self._waiting: deque[int] = deque()
        self._suspicions: list[Suspicion] = []
        self.alone: int | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, task: object) -> bool:
        return task in self._waiting

    def accuse(
        self,
        tasks: Sequence[int],
        reason: str,
        *,
        pid: int | None = None,
        is_foreign: bool = False,
    ) -> None:
        """Suspect tasks of which one has ended the workers.

        If they are reported one by one, those with the same `pid` belong together.
        """
        self._waiting.extend(tasks)
        for suspicion in self._suspicions:
            if pid is not None and suspicion.pid == pid:
                suspicion.tasks.extend(tasks)
                return
        self._suspicions.append(
            Suspicion(reason=reason, tasks=list(tasks), pid=pid, is_foreign=is_foreign)
        )

    def next(self) -> int | None:
        """Return the task to be tried now, None if there is none left."""
        self.alone = self._waiting.popleft() if self._waiting else None
        return self.alone

    def reason(self, task: int) -> str:
        """Return the latest reason to suspect a task."""
        found = [each.reason for each in self._suspicions if task in each.tasks]
        return found[-1] if found else ""

    def clear(self, task: int) -> Suspicion | None:
        """Note that a task passed on its own.

        Returns the suspicion if all of its tasks passed: none of them explains what happened.
        """
        for suspicion in self._suspicions:
            if task in suspicion.tasks:
                suspicion.cleared.add(task)
                is_open = not suspicion.is_foreign
                if is_open and suspicion.cleared.issuperset(suspicion.tasks):
                    return suspicion
        return None

    def drop(self) -> list[int]:
        """Return the tasks that were not tried, and forget them."""
        left = list(self._waiting)
        self._waiting.clear()
        return left


class Burial:
    """Ends batches whose workers have died."""

    def __init__(
        self,
        medium: Medium,
        schedule: Schedule,
        flight: Flight,
        losses: Losses,
        suspects: Suspects,
        deaths: Deaths,
        *,
        workers: int,
    ) -> None:
        self._ledger = medium.ledger
        self._is_apart = medium.is_apart
        self._deaths = deaths
        self._schedule = schedule
        self._flight = flight
        self._losses = losses
        self._suspects = suspects
        self._attempts: dict[int, int] = {}
        self._prospects = Prospects(medium, deaths, workers)
        self._is_death_known = False
        self.reason = ""  # of the last death
        self.has_begun = False  # any task, ever

    def note_begin(self) -> None:
        """Note that workers can start tasks."""
        self.has_begun = True
        self._prospects.note_begin()

    @property
    def is_hopeless(self) -> bool:
        """Whether none of the workers will ever start a task."""
        return self._prospects.is_hopeless

    def look_for_the_dead(self, *, is_awaited: bool = False) -> bool:
        """End the batches of workers that have died since the last call; return whether any has.

        With `is_awaited`, one is known to have died, and exit codes may arrive shortly.
        """
        if self._is_apart:
            return False  # their journals say so
        owners = self._flight.processes()
        if is_awaited:
            self._deaths.await_codes(owners)
        fresh = self._deaths.fresh(owners)
        hit = [batch for batch in self._flight if self._flight.process_of(batch) in fresh]
        hit = [batch for batch in hit if not self._flight.is_over(batch)]
        if len(hit) > 1 and all(fresh[self._flight.process_of(b)] == UNKNOWN for b in hit):
            self.suspect(hit, UNKNOWN)
            return True
        for batch in hit:
            self.bury_of_one(batch, fresh[self._flight.process_of(batch)])
        # The library may report the death later, when it ends the other workers.
        self._is_death_known |= bool(hit)
        return bool(fresh)

    def end_all(self, event: Event) -> None:
        """End all batches: their library says that its pool is broken."""
        self.look_for_the_dead(is_awaited=True)
        is_known, self._is_death_known = self._is_death_known | event.is_innocent, False
        self.suspect(
            list(self._flight),
            event.reason,
            is_known=is_known,
            alive=event.alive,
            event=event,
        )

    def suspect(
        self,
        batches: Sequence[Batch],
        reason: str,
        *,
        is_known: bool = False,
        alive: frozenset[int] = frozenset(),
        event: Event | None = None,
    ) -> None:
        """End batches of which one has ended the workers of all, as that event says.

        If only one task was running, or one has left a stack, that one is to blame. With
        `is_known`, because another one is, or if the runner has ended a worker, none of these is;
        else each has to be tried on its own. Tasks of workers that were `alive` when one had died
        do not count, unless no other is left: a worker that is between two tasks may have died of
        the one before. Trying the others on their own shows whether it did.
        """
        is_known |= bool(self._deaths.ended)
        self._deaths.ended.clear()
        begun = self._flight.begun(batches)
        if not begun:
            reason = self._deaths.idle or reason
        under = [t for t in begun if self._ledger.worker(t) not in alive]
        is_foreign = bool(begun) and not under and begun != [self._suspects.alone]
        under = under or begun
        marked = [t for t in begun if self._losses.stack_of(self._ledger.worker(t)).code]
        guilty = marked or (under if len(under) == 1 and not is_foreign else [])
        if is_known:
            guilty = []
        elif not guilty and under:
            for task in under:
                self._losses.note_try(task)
            self._suspects.accuse(under, reason, is_foreign=is_foreign)
        innocent = frozenset(begun) - frozenset(guilty)
        in_hand = None
        if not self._is_apart:  # else it is unknown which worker had which task
            in_hand = frozenset(self._flight.in_hands_of_others(batches, alive))
        self._prospects.note_deaths(event)
        self.reason = reason
        self.bury(
            batches, reason, innocent=innocent, is_known=is_known or bool(begun), in_hand=in_hand
        )

    def read(self, entries: Sequence[Entry]) -> None:
        """Note the tasks that ended their process, according to the journals on its host."""
        for entry in entries:
            self._losses.know_stack(entry.pid, entry.stack)
            is_alone = entry.task == self._suspects.alone
            if entry.kind == "timeout":
                self._losses.overdue(entry.task, pid=entry.pid)
            elif entry.kind == "stopped" and is_alone:
                self._losses.stopped(entry.task, pid=entry.pid)
            elif entry.kind == "left":
                self._losses.left(entry.task, pid=entry.pid)
            elif entry.kind == "stopped":
                self._try_alone(entry, STOPPED, is_foreign=True)
            elif entry.suspects > 1 and not is_alone:
                self._try_alone(entry, self._deaths.await_code(entry.pid))
            else:
                how = self._deaths.await_code(entry.pid)
                self._losses.crashed(entry.task, how, is_alone=is_alone, pid=entry.pid)

    def _try_alone(self, entry: Entry, how: str, *, is_foreign: bool = False) -> None:
        self._losses.note_try(entry.task, pid=entry.pid)
        self._suspects.accuse([entry.task], how, pid=entry.pid, is_foreign=is_foreign)
        self._flight.reopen(entry.task)

    def bury_of_broken(self, batch: Batch, reason: str) -> None:
        """End a batch that its library has given up, though none of its tasks had started."""
        self._prospects.note_given_up(is_apart=self._is_apart)
        self.reason = self._deaths.idle or reason
        self.bury([batch], self.reason)

    def bury_of_one(self, batch: Batch, reason: str, event: Event | None = None) -> None:
        """End a batch whose worker has died, or that came back without an outcome by this event.

        An innocent one is sent again until `is_hopeless`: its worker was broken, and is replaced.
        """
        self._prospects.note_death(event)
        self.reason = reason
        self.bury([batch], reason, is_known=event is not None and event.is_innocent)

    def bury(
        self,
        batches: Sequence[Batch],
        reason: str,
        *,
        innocent: frozenset[int] = frozenset(),
        is_known: bool = False,
        in_hand: Container[int] | None = None,
    ) -> None:
        """End batches: keep stored tasks, lose those that had started, send the others again.

        The `innocent` tasks had started, but are not known to be to blame: they are sent again,
        too, the suspects among them on their own. With `is_known`, the culprit is known, and is not
        one of the tasks that never started. Of these, only those `in_hand` may be to blame; None
        stands for all.
        """
        for task in self._flight.begun(batches):
            self.note_begin()
            if task not in innocent:
                self._losses.crashed(task, reason, is_alone=task == self._suspects.alone)
        again = []
        for batch in batches:
            is_blameless = self._flight.land(batch) > 0 or is_known
            for task in batch.tasks:
                if self._flight.has_end(task):
                    self.note_begin()
                    continue
                if task not in innocent:
                    is_to_blame = not is_blameless and (in_hand is None or task in in_hand)
                    self._attempts[task] = self._attempts.get(task, 1) + is_to_blame
                    if self._attempts[task] > ATTEMPTS:
                        self._losses.never_began(task, reason, is_apart=self._is_apart)
                        continue
                self._ledger.reset(task)
                if task not in self._suspects:
                    again.append(task)
        # If nothing is shared, it is unknown which of them is to blame.
        self._schedule.put_back(sorted(again), alone=self._is_apart)
