"""The preparation of a dask worker for tasks that interrupt it, freeze its clock, or break it."""

from __future__ import annotations

from os import getpid, kill
from signal import SIGKILL
from threading import Event
from typing import Any

from distributed import WorkerPlugin

from ...machine.system import is_main_thread
from ...worker.arrival import survive_interrupts
from ...worker.processes import Attached
from .clock import keep_clocks

#: Seconds that the event loop of a worker has to follow.
PATIENCE = 1.0

#: The attribute of a worker that survives interrupts.
SURVIVES = "parwork_survives_interrupts"


class Prepared(WorkerPlugin):  # type: ignore[misc]  # which is untyped
    """Prepares a worker as soon as it starts."""

    name = "parwork-prepared"

    def setup(self, worker: Any) -> None:
        """Prepare the worker."""
        prepare(worker)


def prepare(worker: Any) -> None:
    """Give a worker its own clocks, and let it survive interrupts; may be called repeatedly.

    A SIGINT that a task raises would end the event loop, which runs in the main thread. The worker
    would leave its cluster for good, and its nanny with it. Ctrl-C ends the nanny, which ends the
    worker; without a nanny it has to end the worker itself.
    """
    keep_clocks(worker.loop)
    if worker.nanny is None or getattr(worker, SURVIVES, False):
        return
    setattr(worker, SURVIVES, True)
    done = Event()

    def survive() -> None:
        survive_interrupts()
        done.set()

    if is_main_thread():
        survive()
    else:
        worker.loop.add_callback(survive)
        done.wait(PATIENCE)


def end_if_broken(worker: Any) -> None:
    """End this process, in which a batch failed, if a task may have broken it before.

    Its nanny starts another one.
    """
    if worker.nanny is not None and Attached.has_called:
        kill(getpid(), SIGKILL)
