"""The workers of a run, and those that take their place."""

from __future__ import annotations

from collections.abc import Callable

from ..backends.protocol import Workers
from .deaths import Deaths
from .suspension import Suspension
from .waits import REPLACING

#: How often workers are replaced without anything coming of it; once where none ever began a task.
REPLACEMENTS = 3

#: How often they are replaced because the shared table of the run was damaged.
MENDINGS = 10


class Crew:
    """The present workers, what is known of the dead, and how often all were replaced."""

    def __init__(
        self, workers: Workers, start: Callable[[], Workers], suspension: Suspension
    ) -> None:
        self.workers = workers
        self.deaths = Deaths(workers, suspension)
        self._start = start
        self._replaced = 0
        self._mended = 0

    def note_progress(self) -> None:
        """Note that the present workers do what they are for."""
        self._replaced = 0

    def may_be_replaced(self, *, has_begun: bool) -> bool:
        """Count a replacement; return whether it may be worth it."""
        self._replaced += 1
        return self._replaced <= (REPLACEMENTS if has_begun else 1)

    def may_be_mended(self) -> bool:
        """Count a replacement after damage; return whether it may be worth it."""
        self._mended += 1
        return self._mended <= MENDINGS

    def dismiss(self) -> None:
        """End the present workers, before others take their place."""
        self.workers.close(REPLACING)

    def renew(self) -> None:
        """Start others; raises what the backend raises."""
        self.workers = self._start()
        self.deaths.replaced(self.workers)
