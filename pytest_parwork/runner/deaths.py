"""Which workers have died, and how."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from ..backends.base import UNKNOWN, Workers, exit_name
from ..clock import now

__all__ = ["Deaths", "is_alive"]

#: Seconds that a library has to tell how a worker ended that is gone.
HEARSAY = 1.0


class Deaths:
    """The dead among the workers of a run, also those of workers that were replaced."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._earlier: dict[int, int | None] = {}
        self._missing: dict[int, float] = {}
        self._seen: set[int] = set()
        self._in_service: set[int] = set()

    def replaced(self, workers: Workers) -> None:
        """Go on with new workers; how the old ones ended stays known, and is no news."""
        self._earlier.update(self._workers.pids())
        self._seen.update(self._earlier)
        self._in_service.clear()
        self._workers = workers

    def all(self, owners: Iterable[int]) -> Mapping[int, str]:
        """Return how each dead worker ended, by process id, those among `owners` in any case.

        A library may bury its dead before anyone else could see them, and then tell of it, or not:
        loky does, joblib's multiprocessing does not.
        """
        codes = {**self._earlier, **self._workers.pids()}
        dead = {pid: exit_name(code) for pid, code in codes.items() if code is not None}
        if self._workers.reach == "machine":
            missing = [pid for pid in owners if pid and pid not in codes and not is_alive(pid)]
            since = [self._missing.setdefault(pid, now()) for pid in missing]
            if since and now() > min(since) + HEARSAY:
                # All at once: they may have died of one and the same task.
                dead.update(dict.fromkeys(missing, UNKNOWN))
        return dead

    def fresh(self, owners: Iterable[int]) -> Mapping[int, str]:
        """Return those that are told for the first time."""
        dead = {pid: how for pid, how in self.all(owners).items() if pid not in self._seen}
        self._seen |= dead.keys()
        self._in_service |= dead.keys()
        return dead

    @property
    def has_any(self) -> bool:
        """Whether one of the present workers has died."""
        return bool(self._in_service)

    def is_told(self, pid: int) -> bool:
        """Return whether the end of that worker has been told."""
        return pid in self._seen

    def is_awaited(self, pid: int) -> bool:
        """Return whether the system is still to tell how a worker ended."""
        return self._workers.pids().get(pid, 0) is None


def is_alive(pid: int) -> bool:
    """Return whether there is a process of that id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
