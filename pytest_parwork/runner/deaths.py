"""The dead workers of a run, and how each ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress

from ..backends.protocol import UNKNOWN, Workers
from ..machine.clock import now, sleep
from ..machine.exits import exit_name
from ..machine.process_groups import kill_rest_of_group, state_of, ticks_of
from .suspension import Suspension
from .waits import GLANCE, HEARSAY, REAPING, STALL


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
        self.idle = ""  # how the last worker without a task ended, for example before its first one
        self._ticks: dict[int, int] = {}
        self._at_work = 0.0
        self.ended: set[int] = set()  # by the runner; a library may then end others, too

    def explain(self, pid: int, how: str) -> None:
        """Note why the runner has ended a worker."""
        self._explained[pid] = how

    def replaced(self, workers: Workers) -> None:
        """Continue with new workers; the ends of the old ones stay known, and count as reported."""
        self._earlier.update(self._workers.pids())
        self._seen.update(self._earlier)
        self._in_service.clear()
        self.ended.clear()
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
        missing = [pid for pid in owners if pid and pid not in codes and _has_exited(pid)]
        since = [self._missing.setdefault(pid, now()) for pid in missing]
        for pid in missing:
            # Its child processes may hold the pipe by which the library learns of its exit.
            kill_rest_of_group(pid)
        if since and now() > min(since) + HEARSAY + self._suspension.since(min(since)):
            # All at once: they may have died of one and the same task.
            dead.update((pid, _exit_name_of(pid)) for pid in missing)
        return dead

    def fresh(self, owners: Collection[int]) -> Mapping[int, str]:
        """Return the dead workers that were not reported before."""
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
        """How many workers have died, as far as the library names them."""
        return len(self._seen)

    @property
    def has_codes(self) -> bool:
        """Whether the library names its processes."""
        return bool(self._workers.pids())

    def are_at_work(self) -> bool:
        """Return whether a living worker uses, or waits for, the processor; asked repeatedly."""
        living = [pid for pid, code in self._workers.pids().items() if code is None]
        before, self._ticks = self._ticks, {pid: ticks_of(pid) for pid in living}
        if any(ticks != before.get(pid, ticks) for pid, ticks in self._ticks.items()) or any(
            state_of(pid) in {"R", "D"} for pid in living
        ):
            self._at_work = now()
        return now() < self._at_work + STALL

    def is_living(self, pid: int) -> bool:
        """Return whether a process on this machine lives, whatever its library says."""
        return not _has_exited(pid)

    def is_reported(self, pid: int) -> bool:
        """Return whether the exit of that worker has been reported."""
        return pid in self._seen

    def await_end(self, pid: int) -> None:
        """Wait shortly for the exit code of a worker whose death its library has noticed."""
        _wait_until(lambda: self._workers.pids().get(pid, 0) is not None)

    def await_codes(self, owners: Iterable[int]) -> None:
        """Wait shortly for the exit codes of dead workers, if the library reports any."""
        wanted = set(owners) - {0}

        def are_reported() -> bool:
            unreported = wanted - self.all([]).keys()
            return not self._workers.pids() or all(
                is_alive(pid) and state_of(pid) != "Z" for pid in unreported
            )

        _wait_until(are_reported)

    def await_code(self, pid: int) -> str:
        """Return how a worker ended whose journal was found, perhaps before its nanny reports."""
        _wait_until(lambda: self._workers.pids().get(pid))
        code = self._workers.pids().get(pid)
        return exit_name(code) if code else UNKNOWN


def _wait_until(is_reported: Callable[[], object]) -> None:
    until = now() + REAPING
    while not is_reported() and now() < until:
        sleep(GLANCE)


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
