"""The phases of tasks in a process that shares nothing with the runner: noted, and limited."""

from __future__ import annotations

import faulthandler
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread, get_ident

from ..machine.clock import now
from ..machine.system import os
from ..transport.journal import Journal
from ..transport.ledger import Ledger
from ..transport.notes import Entry

#: Seconds to write a stack.
PATIENCE = 0.5

#: Seconds between two checks for tasks that have run for too long.
WATCH = 0.05


class Phases(Ledger):
    """A table of this process only; what others have to know if it dies is noted in its journal.

    That is the call of each task. Of a task with a limit, it is also the time before the call, in
    which its arguments are loaded, and the time after it, in which its result is stored: either may
    never end. As on one machine, the limit holds for each of the three.
    """

    def __init__(self, tasks: int, journal: Journal, timeouts: Mapping[int, float]) -> None:
        super().__init__(bytearray(self.size(tasks)))
        self._journal = journal
        self._timeouts = timeouts
        self._running: dict[int, tuple[int, Entry]] = {}  # by thread, with the batch
        self._closed = Event()

    @contextmanager
    def running(self, task: int, batch: int, worker: str) -> Iterator[None]:
        """Note that this thread runs a task."""
        entry = Entry(task, "died", worker, os.getpid(), now(), 0.0)
        self._running[get_ident()] = batch, entry
        if task in self._timeouts:
            self._journal.begin(batch, entry)
        try:
            yield
        finally:
            del self._running[get_ident()]

    def start(self, task: int, at: float) -> None:
        """Note that the function of `task` is being called."""
        batch, entry = self._running[get_ident()]
        arrived, _, _ = self.times(task)
        entry = entry._replace(arrived=arrived or at, started=at)
        self._journal.begin(batch, entry)
        self._running[get_ident()] = batch, entry
        super().start(task, now())

    def end(self, task: int, at: float, cpu: float = 0.0) -> None:
        """Note that the function of `task` returned or raised, after so many CPU seconds."""
        super().end(task, at, cpu)
        if task in self._timeouts:
            batch, entry = self._running[get_ident()]
            entry = entry._replace(ended=at)
            self._journal.begin(batch, entry)
            self._running[get_ident()] = batch, entry

    def keep_limits(self) -> None:
        """End this process as soon as a task has spent more than its limit in one phase."""
        if self._timeouts:
            Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._closed.is_set():
            self.look()
            self._closed.wait(WATCH)

    def look(self) -> None:
        """End this process if a task has spent more than its limit in its present phase."""
        for _, entry in list(self._running.values()):
            limit = self._timeouts.get(entry.task)
            if limit is not None and now() > entry.since + limit:
                self._journal.end(entry._replace(kind="timeout"))
                _end_process()

    def close(self) -> None:
        """Limit nothing any more."""
        self._closed.set()


def _end_process() -> None:
    """End this process by a signal on which it writes its stack, without a core file."""
    import resource  # POSIX only, like the journal

    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    if faulthandler.is_enabled():
        os.kill(os.getpid(), signal.SIGABRT)
        Event().wait(PATIENCE)
    os.kill(os.getpid(), signal.SIGKILL)
