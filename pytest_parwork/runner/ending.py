"""Signals that end worker processes, so that they leave their stack and nothing else."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from ..machine.clock import now, sleep
from ..machine.process_groups import kill_group, state_of
from ..machine.stacks import writing
from .waits import GLANCE, SIGNALLED


def end_workers(workers: Mapping[int, int], is_held: Callable[[int, int], bool]) -> Sequence[int]:
    """Kill the workers that are still at their task, by process id, with all in their groups.

    Returns those that were killed. They are stopped before they are checked, because a worker that
    is killed while it waits for its next task may hold a lock of the pool, which would block the
    pool for ever. They end by SIGABRT, on which they write their stack. A worker that is dead by
    then died of something else.
    """
    if not workers or not hasattr(signal, "SIGSTOP"):
        return []
    with writing:  # all together, because a library may kill all as soon as one has ended
        return _end_guilty([pid for pid in workers if _send(pid, signal.SIGSTOP)], workers, is_held)


def _end_guilty(
    stopped: Sequence[int], workers: Mapping[int, int], is_held: Callable[[int, int], bool]
) -> Sequence[int]:
    guilty = []
    for pid in stopped:
        _wait_for(pid, "tTZ")
        if state_of(pid) != "Z" and is_held(workers[pid], pid):
            abort(pid)
            guilty.append(pid)
    for pid in stopped:
        resume(pid)
    for pid in guilty:
        wait_for_end(pid)
        kill_group(pid)
    return guilty


def abort(pid: int) -> None:
    """End a process so that it writes its stack, and no core file."""
    _forbid_core(pid)
    _send(pid, signal.SIGABRT)


def resume(pid: int) -> None:
    """Continue a stopped process."""
    _send(pid, signal.SIGCONT)


def wait_for_end(pid: int) -> None:
    """Wait until a process has ended."""
    _wait_for(pid, "Z")


def _send(pid: int, number: signal.Signals) -> bool:
    """Send a signal; return False if there is no such process."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _wait_for(pid: int, states: str) -> None:
    until = now() + SIGNALLED
    while now() < until and state_of(pid) not in states:
        sleep(GLANCE)


def _forbid_core(pid: int) -> None:
    """Keep SIGABRT from writing a core file; where that is impossible, the user's limit applies."""
    with suppress(ImportError, AttributeError, OSError, ValueError):
        import resource

        _, hard = resource.prlimit(pid, resource.RLIMIT_CORE)
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, hard))
