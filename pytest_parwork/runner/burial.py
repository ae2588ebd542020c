"""What is lost and what is sent again where workers have died."""

from __future__ import annotations

from collections.abc import Container, Sequence

from ..model.work import Batch
from ..transport.ledger import Ledger
from .flight import Flight
from .losses import Losses
from .schedule import Schedule
from .suspects import Suspects

__all__ = ["Burial"]

#: How often a task is sent whose worker vanished before it began.
ATTEMPTS = 2

#: How often each worker may die, with no task begun in between, until no other one is started.
DEATHS = 4


class Burial:
    """Ends batches whose workers are gone."""

    def __init__(
        self,
        ledger: Ledger,
        schedule: Schedule,
        flight: Flight,
        losses: Losses,
        suspects: Suspects,
        *,
        workers: int,
        is_apart: bool,
    ) -> None:
        self._ledger = ledger
        self._schedule = schedule
        self._flight = flight
        self._losses = losses
        self._suspects = suspects
        self._workers = workers
        self._is_apart = is_apart
        self._attempts: dict[int, int] = {}
        self._deaths = 0  # since a task was begun
        self.has_begun = False  # any task, ever

    def note_begin(self) -> None:
        """Take note that workers can begin with tasks."""
        self.has_begun = True
        self._deaths = 0

    @property
    def is_hopeless(self) -> bool:
        """Whether so many workers have died one after the other that none will ever begin."""
        return self._deaths >= max(8, DEATHS * self._workers)

    def suspect(
        self, batches: Sequence[Batch], reason: str, *, is_known: bool, alive: frozenset[int]
    ) -> None:
        """End batches of which one has ended the workers of all.

        If only one task was running, or one has left a stack, that one is it. With `is_known`,
        because another did or we have ended a worker, none is; else each has to be tried alone.
        Those of workers that were `alive` when one had died do not count, unless no other is left:
        a worker that is between two tasks may have died of the one before. Whether it was so, the
        others show when they are tried alone.
        """
        begun = self._flight.begun(batches)
        under = [t for t in begun if self._ledger.worker(t) not in alive]
        is_foreign = bool(begun) and not under and begun != [self._suspects.alone]
        under = under or begun
        told = [t for t in begun if self._losses.stack_of(self._ledger.worker(t)).code]
        guilty = told or (under if len(under) == 1 and not is_foreign else [])
        if is_known:
            guilty = []
        elif not guilty and under:
            for task in under:
                self._losses.note_try(task)
            self._suspects.accuse(under, reason, is_foreign=is_foreign)
        innocent = frozenset(begun) - frozenset(guilty)
        in_hand = None
        if not self._is_apart:  # there, nobody knows what was in whose hands
            in_hand = frozenset(self._flight.in_hands_of_others(batches, alive))
        self._deaths += self._workers
        self.bury(
            batches, reason, innocent=innocent, is_known=is_known or bool(begun), in_hand=in_hand
        )

    def bury_of_one(self, batch: Batch, reason: str, *, is_death: bool = True) -> None:
        """End a batch whose worker has died, or that came back without an outcome.

        Of several that one worker had, one alone is a death.
        """
        self._deaths += is_death
        self.bury([batch], reason)

    def bury(
        self,
        batches: Sequence[Batch],
        reason: str,
        *,
        innocent: frozenset[int] = frozenset(),
        is_known: bool = False,
        in_hand: Container[int] | None = None,
    ) -> None:
        """End batches: keep what is stored, lose what was begun, send again what never began.

        The `innocent` tasks were begun, but are not known to be to blame: they too are sent again,
        the suspects among them alone. With `is_known`, something else than what never began is.
        Of what never began, only what was `in_hand` may be to blame; None stands for all.
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
        # Where nothing is shared, nobody knows which of them is to blame.
        self._schedule.put_back(sorted(again), alone=self._is_apart)
