"""The progress of a run, reported to the caller that asked for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ..machine.clock import now
from .flight import Flight
from .losses import Losses
from .medium import Medium
from .request import Progress

#: Reports may take at most one part in so many of the time.
COST = 50


class Reporter:
    """Counts tasks, and calls `report` if there is one; an exception of that ends no run."""

    def __init__(
        self,
        report: Callable[[Progress], None] | None,
        medium: Medium,
        flight: Flight,
        losses: Losses,
        *,
        total: int,
    ) -> None:
        self._report = report
        self._medium = medium
        self._flight = flight
        self._losses = losses
        self._total = total
        self._next = 0.0

    def look(self, workers: int) -> None:
        """Report, unless the last report is too recent for the time that a report takes."""
        began = now()
        if began >= self._next:
            self.report(workers)
            self._next = now() + COST * (now() - began)

    def report(self, workers: int) -> None:
        """Report the present state of a run with so many workers."""
        if self._report is None:
            return
        stored, failed = self._medium.ledger.count(self._losses.all())
        rejected = len(self._medium.rejected)
        # Elsewhere, only batches are known.
        busy = [
            batch
            for batch in self._flight
            if self._medium.is_apart or self._flight.in_hand(batch) is not None
        ]
        progress = Progress(
            total=self._total,
            done=stored + rejected,
            failed=failed + rejected,
            lost=len(self._losses),
            running=min(workers, len(busy)),
            workers=workers,
        )
        with suppress(Exception):
            self._report(progress)
