"""The data of a worker process for its runs, where nothing is shared with the runner."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from threading import Event, RLock, Thread, get_native_id, local
from typing import Protocol

from ..machine.clock import cpu_of_thread, host, now, sleep
from ..machine.limits import limit_thread, limit_worker
from ..machine.system import os
from ..model.output import Output
from ..model.work import Batch
from ..transport.files import unnamed_file
from ..transport.journal import Journal, remove_journals
from ..transport.modules import Sources, lend
from ..transport.notes import Entry
from ..transport.payload import Header
from ..transport.pickling import by_reference, load
from .calling import end_copy_of
from .capture.threads import ThreadCapture
from .children import Children, end_children
from .current_test import named_by_thread
from .outside import end_departed
from .phases import Phases
from .processes import Attached
from .results import Packed

#: Seconds between two looks at what is started by tasks that still run after the end of a run.
LOOK = 0.2


class Errand(Protocol):
    """The call that is sent to a process so that it runs the batches of a run."""

    home: tuple[str, int]

    @property
    def run(self) -> str:
        """The run that it belongs to."""
        ...

    def attach(self) -> Site:
        """Make what a process holds of the run."""
        ...


class Site(Attached):
    """The data of one run in a process, which may serve it in several threads, and other runs."""

    sites: dict[str, Site] = {}  # noqa: RUF012, because it is meant to be shared
    released: set[str] = set()  # noqa: RUF012, for the same reason
    changing = RLock()
    _cpu = staticmethod(cpu_of_thread)

    def __init__(
        self,
        run: str,
        header: bytes,
        payload: bytes,
        sources: Sources,
        timeouts: Mapping[int, float],
        *,
        home: tuple[str, int],
    ) -> None:
        self.home = home
        self._run = run
        self._is_away = is_away = home != (host(), os.getpid())
        self._fd = unnamed_file(payload)
        self.header: Header = load(header)
        self.go = Event()
        self.is_over = False
        self._met: set[str] = set()
        self._seats: list[int] = []  # the thread in each, 0 if it is free
        self._undo = ExitStack()
        self._here = local()
        self._journal = Journal(run)
        # In the process that runs pytest nothing has to be prepared.
        self._children = Children(run) if is_away else None
        if is_away:
            modules, rewritten = self.header.modules, self.header.rewritten
            self._undo.callback(lend(modules, self.header.path, sources, rewritten))
            if self.header.threads is not None:
                self._undo.callback(limit_worker(self.header.threads))
        self._undo.enter_context(named_by_thread())
        self._capture = None
        if self.header.capture is not None:
            self._capture = ThreadCapture(self.header.capture, sets_filters=is_away)
            self._capture.start()
            self._undo.callback(self._capture.close)
        process = os.getpid()
        self._functions = [self._function(entry) for entry in self.header.contents.functions]
        end_copy_of(process)  # an import may return twice
        self.modules = dict(sys.modules)
        tasks = len(self.header.contents.calls)
        self.ledger = self._phases = Phases(tasks, self._journal, timeouts)
        if is_away:
            self._phases.keep_limits()

    @classmethod
    def of(cls, call: Errand) -> Site:
        """Return the site of the run of `call` in this process, made on the first batch."""
        with cls.changing:
            if call.run not in cls.sites:
                # A process works for one run at a time. Some workers are not notified of its end;
                # for them the next run shows that it has ended.
                for run in [run for run, site in cls.sites.items() if site.home == call.home]:
                    forget(run)
                cls.sites[call.run] = call.attach()
                if call.run in cls.released:
                    cls.sites[call.run].go.set()
            return cls.sites[call.run]

    @contextmanager
    def seat(self) -> Iterator[int]:
        """Take the first free number of a thread that works for the run in this process."""
        with self.changing:
            number = next((n for n, thread in enumerate(self._seats) if not thread), None)
            if number is None:
                number = len(self._seats)
                self._seats.append(0)
            self._seats[number] = get_native_id()
        try:
            yield number
        finally:
            self._seats[number] = 0

    def run_batch(
        self, batch: Batch, worker: str, announce: Callable[[str], None] | None
    ) -> tuple[Entry, ...]:
        """Run the tasks of a batch that are not in the journals of dead processes."""
        with self._limited():
            return self._run_new(batch, worker, announce)

    @contextmanager
    def _limited(self) -> Iterator[None]:
        """Limit OpenMP in this thread for the task only: the thread serves others afterwards."""
        threads = self.header.threads
        if threads is None or not self._is_away:
            yield
            return
        lift = limit_thread(threads)
        try:
            yield
        finally:
            lift()

    def _run_new(
        self, batch: Batch, worker: str, announce: Callable[[str], None] | None
    ) -> tuple[Entry, ...]:
        past = self._journal.claim(batch.number)
        end_departed(past.departed)
        for number in batch.tasks:
            self.ledger.reset(number)  # the task may have run here before
        if announce is not None and worker not in self._met:
            self._met.add(worker)
            self.ledger.arrive(batch.tasks[0], 0, now())
            announce(worker)
            self.go.wait(self.header.patience)
        entries = []
        for number in batch.tasks:
            if self.is_over:
                break
            known = past.known(batch.number, number)
            if known is None:
                self._here.worker = worker
                with self._phases.running(number, batch.number, worker):
                    self.run_task(number, 0)
                known = self._here.entry
            entries.append(known)
        return tuple(entries)

    def _store(self, number: int, packed: Packed, output: Output | None) -> None:
        kind, data, buffers = packed
        self.ledger.store(number, kind, 0, 0, 0)
        here = self._here
        arrived, started, ended = (at or 0.0 for at in self.ledger.times(number))
        flat = tuple(bytes(buffer.raw()) for buffer in buffers)
        buffers.clear()  # they may be the last to hold parts of the value
        times = arrived, started, ended, self.ledger.cpu(number)
        entry = Entry(number, kind, here.worker, os.getpid(), *times, data, flat)
        if output is not None:
            entry = entry._replace(output=by_reference(output.plain, protocol=5))
        self._journal.end(entry)
        self._here.entry = entry

    def close(self) -> None:
        """Restore the process as it was."""
        self.is_over = True
        self.go.set()
        self._phases.close()
        self._undo.close()
        self._journal.close()
        os.close(self._fd)
        if self._children is not None:
            self._end_rest(self._children)

    def _end_rest(self, children: Children) -> None:
        """End what is still started by tasks that are running; nobody can end these."""
        if not any(self._seats):
            children.close()
            return
        children.outlive_run()

        def end() -> None:
            while any(self._seats):
                end_children(self._run, threads=self._seats)
                sleep(LOOK)
            children.close()
            end_children(self._run)

        try:
            Thread(target=end, daemon=True).start()
        except RuntimeError:  # there is no memory for one more thread
            children.close()


def release(run: str) -> None:
    """Release the workers of this process that wait in the rendezvous of `run`."""
    with Site.changing:
        Site.released.add(run)
        if run in Site.sites:
            Site.sites[run].go.set()


def forget(run: str) -> None:
    """Delete the site of `run`, which has ended."""
    with Site.changing:
        Site.released.discard(run)
        site = Site.sites.pop(run, None)
        if site is not None:
            site.close()


def leave(run: str) -> None:
    """Delete the site of `run`, which has ended, and what its tasks have left running here."""
    forget(run)
    end_children(run)
    remove_journals(run)  # those of workers that have died
