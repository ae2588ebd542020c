"""When the first tasks of a run may begin: once every worker holds one."""

from __future__ import annotations

from ..machine.clock import now
from .desk import RENDEZVOUS
from .flight import Flight
from .suspension import Suspension

__all__ = ["Rendezvous"]


class Rendezvous:
    """Waits for the workers, and not for ever: what equal results prove is that they met."""

    def __init__(self, flight: Flight, suspension: Suspension) -> None:
        self._flight = flight
        self._suspension = suspension
        self._expected = 0
        self._first_arrival: float | None = None

    def expect(self, workers: int) -> None:
        """Wait for so many workers."""
        self._expected = workers

    def is_over(self) -> bool:
        """Return whether all hold a task, or the others stay away."""
        if self._expected <= 1:
            return True
        arrived = self._flight.owners() - {0}
        if arrived and self._first_arrival is None:
            self._first_arrival = now()
        if len(arrived) >= self._expected:
            return True
        first = self._first_arrival
        return first is not None and now() > first + RENDEZVOUS + self._suspension.since(first)
