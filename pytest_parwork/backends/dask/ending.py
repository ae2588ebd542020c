"""The end of a local dask cluster: no process of it lives on, at whatever moment it is closed."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from time import sleep
from typing import TYPE_CHECKING, Any

from ...machine.clock import now
from ...worker.calling import GLANCE

if TYPE_CHECKING:
    from .starts import Starts

#: Seconds that dask has to end its client, and its cluster, whoever waits for that.
DEADLINE = 5.0

#: Seconds until a process is given up that the system neither starts nor ends.
PATIENCE = 60.0


class Ending:
    """The end of a cluster, in threads: it goes on if nobody waits for it any more.

    So Ctrl-C only ends the wait. `parts` are the client and the cluster, `folder` is that of their
    files.
    """

    def __init__(self, parts: Sequence[Any], starts: Starts, folder: str) -> None:
        self._parts = list(parts)
        self._starts = starts
        self._folder = folder
        self._once = threading.Lock()
        self._over = threading.Event()

    def begin(self, grace: float) -> None:
        """Begin if it has not begun; idle workers have `grace` seconds to end by themselves."""
        self._starts.stop()
        if not self._once.locked():
            try:
                threading.Thread(target=self._run, args=(grace,), daemon=True).start()
            except RuntimeError:  # there is no memory for one more thread
                self._run(grace)

    def wait(self, seconds: float) -> bool:
        """Wait up to so many seconds for the end; return whether it has come."""
        return self._over.wait(max(0.0, seconds))

    def _run(self, grace: float) -> None:
        if not self._once.acquire(blocking=False):
            return
        closing = threading.Thread(target=self._close, daemon=True)
        with suppress(RuntimeError):  # as above
            closing.start()
            closing.join(grace)
        # dask waits four seconds for a task, and for all workers that are starting. It gives up if
        # that takes too long, and then knows nothing of those that start later.
        until = now() + PATIENCE
        while (self._starts.is_any_left or closing.is_alive()) and now() < until:
            for pid in self._starts.living():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            sleep(GLANCE)
        for part in self._parts:
            with suppress(Exception):  # else dask removes it, and reports it, when Python exits
                part.scheduler._workdir.release()
        self._parts.clear()
        gc.collect()  # so it is with the locks of its directories
        shutil.rmtree(self._folder, ignore_errors=True)
        self._over.set()

    def _close(self) -> None:
        parts = list(self._parts)
        for part in parts:
            with suppress(Exception):  # the processes are ended in any case
                part.close(DEADLINE)
        for part in parts:
            with suppress(Exception):  # mostly it has been stopped
                part.loop.add_callback(part.loop.stop)
