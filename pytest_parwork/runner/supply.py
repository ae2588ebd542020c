"""The choice of what is submitted next: batches ahead of each worker, or a task on its own."""

from __future__ import annotations

from ..backends.protocol import Workers
from ..model.work import Batch
from .burial import Suspects
from .damage import Damage
from .flight import Flight
from .medium import Medium
from .schedule import Schedule


class Supply:
    """Takes batches from the schedule, suspects first."""

    def __init__(
        self,
        medium: Medium,
        schedule: Schedule,
        flight: Flight,
        suspects: Suspects,
        damage: Damage,
    ) -> None:
        self._medium = medium
        self._schedule = schedule
        self._flight = flight
        self._suspects = suspects
        self._damage = damage

    def next(self, workers: Workers) -> list[Batch]:
        """Return the batches that the workers have room for."""
        is_one_at_a_time = self._suspects or self._suspects.alone is not None
        if self._flight and (is_one_at_a_time or self._damage.is_searched):
            return []
        suspect = self._suspects.next()
        if suspect is not None:
            # Not earlier: dask may by itself run again what was on a worker that has died.
            self._flight.reopen(suspect)
            return [self._schedule.single(suspect)]
        if self._damage.is_searched:
            self._damage.check()  # or it would be unknown which of two tasks did it
            batch = self._schedule.next()
            return [] if batch is None else [batch]
        if workers.eager:
            return [] if self._flight else self._schedule.all()
        batches: list[Batch] = []
        window = min(self._schedule.window, self._medium.most_ahead)
        room = workers.size * window - len(self._flight)
        while room > len(batches) and (batch := self._schedule.next()):
            batches.append(batch)
        return batches
