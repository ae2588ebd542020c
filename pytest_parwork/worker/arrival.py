"""The preparation of a worker process, before it works for a run."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal as signals
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from signal import SIGINT, default_int_handler  # now: a task may replace them
from typing import Any

from ..machine.clock import now, sleep
from ..machine.process_groups import enroll, enrolled
from ..machine.system import is_main_thread
from ..transport.ledger import Kind
from .calling import perform
from .endings import end_executors_at_exit

#: The function in C, where there is one. That in Python looks for the handler that was set in an
#: enumeration, and takes four times as long; each task sets two handlers.
signal: Callable[[int, Any], Any] = getattr(sys.modules.get("_signal"), "signal", signals.signal)

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
    """Make this process lead a process group, which ends with it; leave Ctrl-C to the runner."""
    if hasattr(os, "setpgid"):
        with suppress(OSError):  # the leader of a session already leads a group
            os.setpgid(0, 0)
    survive_interrupts()
    end_executors_at_exit()


def survive_interrupts() -> None:
    """Do nothing at a SIGINT, if this is the main thread, which can say so.

    SIG_IGN would be inherited by programs that a task starts.
    """
    if is_main_thread():
        signal(SIGINT, _do_nothing)


class Interruptible:
    """Runs tasks in the main thread of a worker so that they may interrupt themselves.

    A test may raise SIGINT, and expect `KeyboardInterrupt`. Ctrl-C does not reach the worker, which
    leads its own group; between two tasks nothing may be raised in our code. A handler that a task
    has left is in force again for the next one, as in pytest's process.
    """

    def __init__(self) -> None:
        self._handler: Any = default_int_handler

    def __call__(
        self, function: Callable[..., object], args: Sequence[object], kwargs: Mapping[str, object]
    ) -> tuple[Kind, object]:
        """Call the function as `perform` does."""
        if self._handler is None:  # it is not Python's, and could not be restored
            return perform(function, args, kwargs)
        signal(SIGINT, self._handler)
        try:
            return perform(function, args, kwargs)
        finally:
            self._handler = signal(SIGINT, _do_nothing)


def _do_nothing(*_: object) -> None:
    return
