"""The workers that live but do not work: stopped by a signal, or not responding."""

from __future__ import annotations

from collections.abc import Sequence

from ..backends.protocol import LEAVING, Vital, Workers
from ..machine.clock import now, sleep
from ..machine.process_groups import kill_group, state_of, ticks_of
from ..model.work import Task
from ..transport.ledger import State
from .burial import STOPPED, Burial, Suspects
from .deaths import Deaths
from .flight import Flight
from .losses import Losses
from .medium import Medium
from .waits import GLANCE, LATENCY

#: The reason for the end of a worker that the runner ended, as it did not respond, or did not exit.
DEAF = "it no longer responded, and was ended"
LINGERING = "it did not exit after its task, and was ended"

#: Numbers of checks, not seconds, because pytest itself may be stopped: about 2, 5 and 2 s.
LOOKS = {STOPPED: 40, DEAF: 100, LINGERING: 40}

#: How many of the tasks that ended last in a worker may have sent the signal.
RECENT = 8


class Standstill:
    """Ends workers at a standstill, which their library may not notice.

    A long task is no standstill, unless its process is stopped; only a timeout ends it. A task that
    ran in a process when it was stopped is not necessarily to blame, nor is any that ran there
    before. So each of these tasks is tried on its own.
    """

    def __init__(
        self,
        medium: Medium,
        flight: Flight,
        losses: Losses,
        suspects: Suspects,
        burial: Burial,
        deaths: Deaths,
        tasks: Sequence[Task],
    ) -> None:
        self._ledger = medium.ledger
        self._names_processes = medium.names_processes
        self._flight = flight
        self._losses = losses
        self._suspects = suspects
        self._burial = burial
        self._deaths = deaths
        self._tasks = tasks
        self._looks: dict[int, tuple[object, float, int]] = {}  # by pid: sign, first seen, looks

    def is_any_stopped(self, workers: Workers) -> bool:
        """Return whether a worker is stopped, so that the cause is still to be found."""
        return self._names_processes and "T" in map(state_of, _living(workers))

    def look(self, workers: Workers) -> bool:
        """End workers that have been at a standstill for long enough; return whether any was.

        A stopped worker whose task is tried on its own keeps the time of the task, which then ends
        as timed out.
        """
        if not self._names_processes:
            return False
        at = [task for batch in self._flight if (task := self._flight.in_hand(batch)) is not None]
        held = {self._ledger.worker(task): task for task in at}
        signs = workers.signs() if isinstance(workers, Vital) else {}
        before, self._looks = self._looks, {}
        found = False
        for pid in _living(workers) | held.keys() | signs.keys():
            why, sign = STOPPED, (0.0, 0)
            if state_of(pid) != "T":
                if pid not in signs or (pid in held and not self._has_ended(held[pid])):
                    continue
                why = LINGERING if signs[pid] == LEAVING and pid not in held else DEAF
                sign = signs[pid], ticks_of(pid) if pid in held else 0
            seen, since, looks = before.get(pid, (None, 0.0, 0))
            since, looks = (since, looks + 1) if seen == (why, sign) else (now(), 1)
            self._looks[pid] = ((why, sign), since, looks)
            task = held.get(pid)
            is_timed = task is not None and self._tasks[task].timeout is not None
            if looks < LOOKS[why] or (is_timed and task == self._suspects.alone):
                continue
            if why != LINGERING or self._ended_by(pid, 0.0):  # else it is still starting
                self._end(pid, why, task, since)
                found = True
        return found

    def is_guilty(self, task: int) -> bool:
        """Return whether a task that ended on its own has stopped its worker again."""
        if not self._names_processes or self._suspects.reason(task) != STOPPED:
            return False
        pid = self._ledger.worker(task)
        until = now() + LATENCY
        while (state := state_of(pid)) != "T" and now() < until:
            sleep(GLANCE)
        if state == "T":
            self._losses.stopped(task)
            self._kill(pid, STOPPED)
        return state == "T"

    def end_cut_off(self, pid: int, held: int | None) -> None:
        """End a living worker that its library has given up, and try its task on its own.

        An earlier task may have damaged the worker.
        """
        self._end(pid, DEAF, held, now())

    def _end(self, pid: int, why: str, held: int | None, since: float) -> None:
        self._kill(pid, why)
        suspects = self._ended_by(pid, since - LATENCY) if why == STOPPED else []
        if held is not None:
            if held == self._suspects.alone and why == STOPPED:
                self._losses.stopped(held)
            elif held == self._suspects.alone:
                self._losses.crashed(held, why, is_alone=True)
            else:
                self._losses.note_try(held)
                suspects.append(held)
        hit = [batch for batch in self._flight if self._flight.owner(batch) == pid]
        if suspects:
            self._suspects.accuse(suspects, why, is_foreign=True)
        self._burial.bury(hit, why, innocent=frozenset(suspects), is_known=True)

    def _has_ended(self, task: int) -> bool:
        return self._ledger.state(task) is State.ENDED

    def _kill(self, pid: int, why: str) -> None:
        self._deaths.explain(pid, why)
        self._deaths.ended.add(pid)  # workers that the library ends with it are not to blame
        kill_group(pid)

    def _ended_by(self, pid: int, moment: float) -> list[int]:
        """Return the last few tasks that a worker has ended since then."""
        ended = [
            (at, task)
            for task in range(len(self._tasks))
            if self._ledger.state(task) is State.STORED
            and self._ledger.worker(task) == pid
            and (at := self._ledger.times(task)[2] or 0.0) > moment
        ]
        return [task for _, task in sorted(ended)[-RECENT:]]


def _living(workers: Workers) -> set[int]:
    return {pid for pid, code in workers.pids().items() if code is None}
