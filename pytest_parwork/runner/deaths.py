"""Which workers have died, and how."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress

from ..backends.protocol import UNKNOWN, Workers, exit_name
from ..machine.clock import now
from ..machine.process_groups import kill_rest_of_group, state_of
from ..worker.calling import GLANCE
from .suspension import Suspension

__all__ = ["Deaths", "is_alive"]

#: Seconds that a library has to tell how a worker ended that is gone.
HEARSAY = 1.0

#: Seconds in which the system tells how a process ended whose library has noticed its death.
REAPING = 0.5


class Deaths:
    """The dead among the workers of a run, also those of workers that were replaced."""

    def __init__(self, workers: Workers, suspension: Suspension) -> None:
        self._workers = workers
        self._suspension = suspension
        self._earlier: dict[int, int | None] = {}
        self._missing: dict[int, float] = {}
        self._seen: set[int] = set()
        self._in_service: set[int] = set()
        self._explained: dict[int, str] = {}
        self.idle = ""  # how the last one ended that had no task in hand, before its first one, say

    def explain(self, pid: int, how: str) -> None:
        """Say how a worker ended that we have ended ourselves."""
        self._explained[pid] = how

    def replaced(self, workers: Workers) -> None:
        """Go on with new workers; how the old ones ended stays known, and is no news."""
        self._earlier.update(self._workers.pids())
        self._seen.update(self._earlier)
        self._in_service.clear()
        self._workers = workers

    def all(self, owners: Iterable[int]) -> Mapping[int, str]:
        """Return how each dead worker ended, by process id, those among `owners` in any case.

        A library may reap its workers before anyone else could see them, and then report it, or
        not: loky does, joblib's multiprocessing does not. Or it never learns of an exit, because a
        child of the worker holds the pipe whose end it waits for.
        """
        codes = {**self._earlier, **self._workers.pids()}
        dead = {
            pid: self._explained.get(pid) or exit_name(code)
            for pid, code in codes.items()
            if code is not None
        }
        if self._workers.reach == "machine":
            missing = [pid for pid in owners if pid and pid not in codes and _has_exited(pid)]
            since = [self._missing.setdefault(pid, now()) for pid in missing]
            for pid in missing:
                # What it has started may hold the pipe by which the library learns of its exit.
                kill_rest_of_group(pid)
            if since and now() > min(since) + HEARSAY + self._suspension.since(min(since)):
                # All at once: they may have died of one and the same task.
                dead.update((pid, _exit_name_of(pid)) for pid in missing)
        return dead

    def fresh(self, owners: Collection[int]) -> Mapping[int, str]:
        """Return those that are told for the first time."""
        dead = {pid: how for pid, how in self.all(owners).items() if pid not in self._seen}
        for pid, how in dead.items():
            kill_rest_of_group(pid)
            if pid not in owners:
                self.idle = how
        self._seen |= dead.keys()
        self._in_service |= dead.keys()
        return dead

    @property
    def has_any(self) -> bool:
        """Whether one of the present workers has died."""
        return bool(self._in_service)

    @property
    def count(self) -> int:
        """How many workers have died, as far as the library tells of any."""
        return len(self._seen)

    def is_told(self, pid: int) -> bool:
        """Return whether the end of that worker has been told."""
        return pid in self._seen

    def is_living(self, pid: int) -> bool:
        """Return whether a worker on this machine lives, whatever its library says."""
        return self._workers.reach == "machine" and not _has_exited(pid)

    def await_end(self, pid: int) -> None:
        """Wait shortly for how a worker ended whose library has noticed its death."""
        _wait_until(lambda: self._workers.pids().get(pid, 0) is not None)

    def await_codes(self, owners: Iterable[int]) -> None:
        """Wait shortly for the exit codes of the dead, where the library tells of any."""
        wanted = set(owners) - {0}

        def are_told() -> bool:
            untold = wanted - self.all([]).keys()
            return not self._workers.pids() or all(
                is_alive(pid) and state_of(pid) != "Z" for pid in untold
            )

        _wait_until(are_told)

    def await_code(self, pid: int) -> str:
        """Return how a worker ended whose journal was found, perhaps before its nanny has told."""
        _wait_until(lambda: self._workers.pids().get(pid))
        code = self._workers.pids().get(pid)
        return exit_name(code) if code else UNKNOWN


def _wait_until(is_told: Callable[[], object]) -> None:
    until = now() + REAPING
    while not is_told() and now() < until:
        time.sleep(GLANCE)


def _has_exited(pid: int) -> bool:
    """Return whether a worker has exited, whether or not somebody has reaped it."""
    return not is_alive(pid) or state_of(pid) == "Z"


def _exit_name_of(pid: int) -> str:
    """Name the exit code of a worker that nobody has reaped yet; it stays to be reaped."""
    if hasattr(os, "waitid"):
        with suppress(ChildProcessError):
            ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is not None:
                by_itself = ended.si_code == os.CLD_EXITED
                return exit_name(ended.si_status if by_itself else -ended.si_status)
    return UNKNOWN


def is_alive(pid: int) -> bool:
    """Return whether there is a process of that id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
