"""The workers of a run, and their replacements."""

from __future__ import annotations

from collections.abc import Callable

from ..backends.protocol import Workers
from .deaths import Deaths
from .suspension import Suspension
from .waits import REPLACING

#: How often workers are replaced without any progress; only once if none ever started a task.
REPLACEMENTS = 3

#: How often they are replaced because the shared table of the run was damaged.
MENDINGS = 10


class Crew:
    """The present workers, the data about dead ones, and how often all were replaced."""

    def __init__(
        self, workers: Workers, start: Callable[[], Workers], suspension: Suspension
    ) -> None:
        self.workers = workers
        self.deaths = Deaths(workers, suspension)
        self._start = start
        self._replaced = 0
        self._mended = 0

    def note_progress(self) -> None:
        """Note that the present workers make progress."""
        self._replaced = 0

    def may_be_replaced(self, *, has_begun: bool) -> bool:
        """Count a replacement; return whether it is worth trying."""
        self._replaced += 1
        return self._replaced <= (REPLACEMENTS if has_begun else 1)

    def may_be_mended(self) -> bool:
        """Count a replacement after damage; return whether it is worth trying."""
        self._mended += 1
        return self._mended <= MENDINGS

    def dismiss(self) -> None:
        """End the present workers, before others replace them."""
        self.workers.close(REPLACING)

    def renew(self) -> None:
        """Start other workers; raises what the backend raises."""
        self.workers = self._start()
        self.deaths.replaced(self.workers)
