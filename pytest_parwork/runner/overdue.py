"""How a worker is ended that has a task for too long."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from ..clock import now
from ..groups import kill_group, state_of

__all__ = ["end_worker"]

#: Seconds that a process has to stop, or to write its stack.
PATIENCE = 0.25

GLANCE = 0.001


def end_worker(pid: int, is_at_it: Callable[[], bool]) -> bool:
    """Kill a worker and all in its group while `is_at_it` holds; False where it does no more.

    It is stopped before that is asked: one that is killed while it waits for its next task may hold
    a lock of the pool, which then is dead. It ends by SIGABRT, on which it leaves its stack.
    """
    if not hasattr(signal, "SIGSTOP"):
        return False
    try:
        os.kill(pid, signal.SIGSTOP)
        _wait(pid, "tTZ")
        if not is_at_it():
            os.kill(pid, signal.SIGCONT)
            return False
        _forbid_core(pid)
        os.kill(pid, signal.SIGABRT)
        os.kill(pid, signal.SIGCONT)
        _wait(pid, "Z")
    except ProcessLookupError:
        return not is_at_it()
    kill_group(pid)
    return True


def _wait(pid: int, states: str) -> None:
    until = now() + PATIENCE
    while now() < until and state_of(pid) not in states:
        time.sleep(GLANCE)


def _forbid_core(pid: int) -> None:
    """Keep SIGABRT from leaving a file; where that cannot be done, the user's limit holds."""
    with suppress(ImportError, AttributeError, OSError, ValueError):
        import resource

        _, hard = resource.prlimit(pid, resource.RLIMIT_CORE)
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, hard))
