"""The preparation of a worker process, before it works for a run."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
from contextlib import suppress

from ..machine.clock import now, sleep
from ..machine.process_groups import enroll, enrolled
from ..machine.system import is_main_thread
from .endings import end_executors_at_exit

#: Seconds that a worker which starts early waits for others.
ARRIVING = 5.0


class Arrival:
    """The first call of a worker that starts before there is a run.

    The worker enrols itself in `registry`, waits for the others, so that no worker takes two of
    these calls, and imports the modules that it will need.
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
            sleep(0.005)
        for name in self._imports:
            with suppress(ImportError):
                importlib.import_module(name)


def start_processes_by(method: str) -> None:
    """Make the start method of pytest's process the default in this worker.

    loky's workers would use loky's own method, which is only meant for its executors.
    """
    if multiprocessing.get_start_method(allow_none=True) not in {None, method}:
        multiprocessing.set_start_method(method, force=True)


def lead_a_group() -> None:
    """Make this process lead a process group, which ends with it, and leave Ctrl-C to the runner.

    The handler does nothing. SIG_IGN would be inherited by programs that a task starts.
    """
    if hasattr(os, "setpgid"):
        with suppress(OSError):  # the leader of a session already leads a group
            os.setpgid(0, 0)
    if is_main_thread():
        signal.signal(signal.SIGINT, lambda *_: None)
    end_executors_at_exit()
