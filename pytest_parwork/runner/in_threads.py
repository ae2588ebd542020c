"""Threads of this process as workers: they share its memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..machine.clock import now
from ..machine.limits import Limits
from ..model.outcome import NotSent
from ..model.output import Output
from ..model.work import Batch, Task
from ..transport.ledger import Kind, Ledger
from ..transport.pickling import ATOM_IDS
from ..worker.copies import Copies
from ..worker.current_test import named_by_thread
from ..worker.results import Copied
from ..worker.threads import Given, ThreadCall
from .medium import PATIENCE, Late, Medium, Setting

if TYPE_CHECKING:
    from .on_machine import StoredTasks


class CopiedTasks:
    """Copies of the arguments, made when the run is sent; functions are shared.

    A repeated run gets copies of these copies, so that they stay unchanged. An argument that cannot
    be copied is the same object in every run, so its task cannot be repeated.
    """

    def __init__(self, setting: Setting) -> None:
        self._copies = Copies.of(setting.request.workload.tasks)
        self._is_kept = setting.request.keep
        self.unavailable: Mapping[int, str] = {
            task: f"{name} cannot be copied, so it is what the first run has made of it"
            for task, name in self._copies.shared.items()
        }

    def medium(self, setting: Setting, tasks: Sequence[int]) -> InThreads:
        """Return the medium for a run of these tasks."""
        copies = self._copies.excerpt(tasks)
        if self._is_kept:
            copies = copies.again(setting.request.workload.tasks)
        return InThreads(setting, copies)

    def stored(self, tasks: Sequence[Task]) -> StoredTasks:
        """Return the tasks in a file, with the copies as their arguments."""
        from .on_machine import StoredTasks  # most runs in threads need no file

        return StoredTasks.write(self._copies.in_place(tasks))

    def close(self) -> None:
        """Free the copies."""
        self._copies = Copies((), {})


class InThreads(Medium):
    """Arguments are copied; everything else is in the shared memory."""

    def __init__(self, setting: Setting, copies: Copies) -> None:
        request = setting.request
        tasks: Sequence[Task] = request.workload.tasks
        capture = request.capture
        self._copies = copies
        self._suspension = setting.suspension
        self._limits = Limits(setting.threads)
        self.ledger = self.settled = Ledger(bytearray(Ledger.size(len(tasks))))
        self.ledger.sign()
        self.recent = set()
        self.rejected: Mapping[int, NotSent] = {}
        self.call: ThreadCall = ThreadCall(
            tasks,
            copies.arguments,
            self.ledger,
            patience=PATIENCE,
            threads=setting.threads,
            capture=capture if capture is not None and capture.from_threads else None,
            around=request.around,
        )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Limit native threads, name tests, and capture what tasks print, log and warn."""
        capture = self.call.capture
        with self._limits.hold(), named_by_thread():
            if capture is not None:
                capture.start()
            try:
                yield
            finally:
                if capture is not None:
                    capture.close()

    def withdraw(self, batch: Batch) -> bool:
        """Withdraw a batch; return False if a thread has started it, which nothing can end."""
        return self.call.withdraw(batch)

    def timed_out(self, batch: Batch) -> Collection[int]:
        """Return the tasks that the call has ended itself, in the main thread."""
        return self.call.overdue.intersection(batch.tasks)

    def end_late(self, late: Sequence[Late]) -> Sequence[Late]:
        """Give up the threads of late tasks, not counting the time for which pytest was stopped."""
        return [
            task
            for task in late
            if now() > task.due + self._suspension.since(task.began)
            and self.call.give_up(task.batch, task.task)
        ]

    def settle(self, lost: Collection[int]) -> None:
        """Restore the arguments that are shared with the serial run, where that is possible."""
        self._copies.restore()
        self._copies = Copies((), {})
        self.call.forget_arguments()

    def results(self) -> Remembered:
        """Return the outcomes in memory."""
        return Remembered(self.ledger, self.call.outcomes, self.call.outputs)


class Remembered:
    """Outcomes in the memory of this process."""

    def __init__(
        self, ledger: Ledger, given: list[Given | None], outputs: Mapping[int, Output] | None = None
    ) -> None:
        self.ledger = ledger
        self._given = given
        self._outputs = outputs or {}

    def kind(self, task: int) -> Kind:
        """Return the kind of an outcome."""
        given = self._given[task]
        assert given is not None, "an outcome that was freed"
        return given[0]

    def load(self, task: int) -> Given:
        """Return an outcome."""
        given = self._given[task]
        assert given is not None, "an outcome that was freed"
        kind, value, failure = given
        if type(value) is not Copied:  # not isinstance: see `Copied.of`
            return given
        found = value.read()
        return "not_sent" if type(found) is NotSent else kind, found, failure

    def may_run_code(self, task: int) -> bool:
        """Return False: there is nothing to load."""
        return False

    def has_parts(self, task: int) -> bool:
        """Return whether an outcome is more than a plain value."""
        given = self._given[task]
        assert given is not None, "an outcome that was freed"
        if type(given[1]) is Copied:
            return given[1].has_parts
        return given[0] != "value" or id(type(given[1])) not in ATOM_IDS

    def output(self, task: int) -> Output | None:
        """Return what a task has printed, logged and warned."""
        return self._outputs.get(task)

    output_of_lost = output

    def note_loaded(self, task: int) -> None:
        """Do nothing: what was loaded is the outcome itself."""

    def free(self, task: int) -> None:
        """Forget an outcome."""
        self._given[task] = None

    def close(self) -> None:
        """Forget all outcomes."""
        self._given[:] = [None] * len(self._given)
