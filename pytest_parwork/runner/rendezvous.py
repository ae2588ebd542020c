"""When the first tasks of a run may begin: once every worker holds one."""

from __future__ import annotations

from ..clock import now
from .desk import RENDEZVOUS
from .flight import Flight

__all__ = ["Rendezvous"]


class Rendezvous:
    """Waits for the workers, and not for ever: what equal results prove is that they met."""

    def __init__(self, flight: Flight) -> None:
        self._flight = flight
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
        is_late = self._first_arrival is not None and now() > self._first_arrival + RENDEZVOUS
        return len(arrived) >= self._expected or is_late
