"""The contact with the scheduler of a joined cluster while no outcome arrives."""

from __future__ import annotations

from ...machine.clock import now
from .joined import WORKER_PATIENCE, JoinedDask

#: Seconds without news until the scheduler is asked whether any worker is left.
SILENCE = 2.0

#: Seconds that the scheduler has to answer that.
ANSWER = 1.0


class Contact:
    """Checks that the scheduler is connected and, after some silence, that workers are left."""

    def __init__(self, joined: JoinedDask) -> None:
        self._joined = joined
        self._heard = self._seen = now()

    def note(self) -> None:
        """Note that an outcome has arrived."""
        self._heard = self._seen = now()

    def complaint(self) -> str:
        """Return why no outcome will arrive any more, empty if one may."""
        scheduler = f"the dask scheduler at {self._joined.address}"
        if not self._joined.is_connected:
            return f"{scheduler} went away"
        if now() < self._heard + SILENCE:
            return ""
        self._heard = now()
        complaint = "has no worker left"
        try:
            if self._joined.threads(ANSWER):
                self._seen = now()
        except Exception:
            complaint = f"has not answered for {WORKER_PATIENCE:g} s"
        is_over = now() > self._seen + WORKER_PATIENCE
        return f"{scheduler} {complaint}" if is_over else ""
