"""How a worker process gets ready, before it works for a run."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import threading
import time
from contextlib import suppress

from ..machine.clock import now
from ..machine.process_groups import enroll, enrolled
from .endings import end_executors_at_exit

#: Seconds that a worker which starts early waits for others.
ARRIVING = 5.0


class Arrival:
    """What a worker does that starts before there is a run; sent to each of them.

    It enrols itself in `registry`, waits for the others, of whom one could take the calls, and
    imports what it will need.
    """

    def __init__(self, registry: str, workers: int, *, imports: tuple[str, ...]) -> None:
        self._registry = registry
        self._workers = workers
        self._imports = imports

    def __call__(self) -> None:
        lead_a_group()
        enroll(self._registry)
        until = now() + ARRIVING
        while enrolled(self._registry) < self._workers and now() < until:
            time.sleep(0.005)
        for name in self._imports:
            with suppress(ImportError):
                importlib.import_module(name)


def start_processes_by(method: str) -> None:
    """Start processes without a context of their own as the process that runs pytest does.

    loky's workers would start them as loky does, which is for its executors alone.
    """
    if multiprocessing.get_start_method(allow_none=True) not in {None, method}:
        multiprocessing.set_start_method(method, force=True)


def lead_a_group() -> None:
    """Make this process the first of a group, which ends with it, and leave Ctrl-C to the runner.

    A handler that does nothing, not SIG_IGN: programs started by a task would inherit that.
    """
    if hasattr(os, "setpgid"):
        with suppress(OSError):  # the leader of a session is one already
            os.setpgid(0, 0)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, lambda *_: None)
    end_executors_at_exit()
