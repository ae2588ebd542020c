"""Batches in threads of this process, which share its memory."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from ..machine.clock import cpu_of_thread, now
from ..machine.deadline import Shared, TimedOut, deadline
from ..machine.limits import limit_thread
from ..machine.system import id_of, is_main_thread, os, thread_id, threading
from ..model.outcome import Failure
from ..model.output import Capture, Output
from ..model.work import Batch, Task
from ..transport.failures import describe
from ..transport.ledger import Kind, Ledger, State
from ..transport.pickling import ATOM_IDS
from .calling import end_copy_of, meet, perform
from .capture.threads import ThreadCapture
from .current_test import name_test
from .fixtures.ended import with_late
from .inputs import Inputs, is_sampled
from .results import Copied

if TYPE_CHECKING:
    from ..transport.payload import Around

#: The result of a task: its kind, its value, exception or `NotSent`, and a description of the
#: exception.
Given = tuple[Kind, object, Failure | None]


class ThreadCall:
    """Run batches in threads of this process, where the outcomes are shared anyway.

    `overdue` are the tasks that took too long and were ended by this call itself, which it can in
    the main thread. `outputs` has what tasks printed, logged and warned, as far as `capture` asks.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        arguments: Sequence[tuple[tuple[object, ...], dict[str, object]]],
        ledger: Ledger,
        *,
        patience: float,
        threads: int,
        capture: Capture | None = None,
        around: Around | None = None,
    ) -> None:
        self._threads = threads
        self._around = around
        self._tasks = tasks
        self._arguments = arguments
        self._ledger = ledger
        self._patience = patience
        self._waited = threading.local()
        self._lock = threading.Lock()
        self._begun: set[int] = set()
        self._left: set[int] = set()
        self.outcomes: list[Given | None] = [None] * len(tasks)
        self.overdue: set[int] = set()
        self.outputs: dict[int, Output] = {}
        self.capture = ThreadCapture(capture) if capture is not None else None

    def __call__(self, batch: Batch, /) -> int:
        worker = thread_id()
        with self._lock:
            if batch.number in self._left:
                return batch.number
            self._begun.add(batch.number)
        with suppress(TimedOut):  # the runner has given up the task and its thread
            if not hasattr(self._waited, "done"):
                self._waited.done = True
                limit_thread(self._threads)
                meet(self._ledger, batch, worker, self._patience)
            for number in batch.tasks:
                if batch.number in self._left:
                    break
                self._run_task(number, worker)
        return batch.number

    def withdraw(self, batch: Batch, /) -> bool:
        """Withdraw `batch`, False if a thread has begun it."""
        with self._lock:
            if batch.number in self._begun:
                return False
            self._left.add(batch.number)
            return True

    def forget_arguments(self) -> None:
        """Forget the arguments of all tasks: some may be objects of the tests themselves."""
        self._arguments = ()

    def give_up(self, batch: Batch, task: int, /) -> bool:
        """Give up `task`, and end its thread if that runs Python; False if it is already stored.

        Digesting its arguments and copying its result run user code, too. A thread that waits in C
        continues until it returns to Python, and then ends, too.
        """
        with self._lock:
            state = self._ledger.state(task)
            if state in (State.PENDING, State.STORED):
                return False
            self._left.add(batch.number)
            worker = self._ledger.worker(task)
            for thread in threading.enumerate():
                if id_of(thread) == worker and thread is not threading.main_thread():
                    self._end_capture(task, thread.ident)
                    _raise_in(thread)
            return True

    def _run_task(self, number: int, worker: int) -> None:
        if self._ledger.state(number) is State.PENDING:
            self._ledger.arrive(number, worker, now())
        try:
            self._call(number)
        except TimedOut:
            if not is_main_thread():
                raise
            self.overdue.add(number)
            self._end_capture(number)

    def _call(self, number: int) -> None:
        """Call a task, and keep its result; all of its code runs within the timeout."""
        args, kwargs = self._arguments[number]
        task, process = self._tasks[number], os.getpid()
        function = task.function if self._around is None else self._around(task.function)
        seconds = task.timeout if task.timeout and is_main_thread() else None
        # The body has all its time even if the arguments cannot be digested in that time.
        limit, inputs = Shared.of(seconds) if seconds else None, None
        if is_sampled(number, len(self._tasks)):
            inputs = Inputs(args, kwargs, seconds=Shared.of(seconds))
        if self.capture is not None:
            self.capture.begin(number)
        if task.test:
            name_test(task.test, "call")
        before = cpu_of_thread()
        self._ledger.start(number, now())
        if limit is None:
            kind, value = perform(function, args, kwargs)
        else:
            with deadline(limit):
                kind, value = perform(function, args, kwargs)
        ended, cpu = now(), cpu_of_thread() - before
        # Not isinstance: an exception may raise where it is asked for its class.
        if kind == "failure" and issubclass(type(value), KeyboardInterrupt) and is_main_thread():
            self._end_capture(number)
            raise cast("KeyboardInterrupt", value)  # Ctrl-C: it would end the serial run as well
        if self.capture is not None and (late := self.capture.late()):
            value = Copied.of(value) if kind == "value" else value
            kind, value = with_late(kind, value, late)
        with self._lock:  # or its output might be taken twice
            self._ledger.end(number, ended, cpu)
            self._end_capture(number)
        if inputs is not None and inputs.changed():
            self._ledger.note_change(number)
        failure = None
        if kind != "value" or id(type(value)) not in ATOM_IDS:
            with deadline(limit):
                if kind == "value":
                    value = Copied.of(value)
                elif isinstance(value, BaseException):
                    failure = describe(value, value)
        end_copy_of(process)  # copying a value may have forked this process
        with self._lock:  # from here on the task cannot be given up
            self.outcomes[number] = (kind, value, failure)
            self._ledger.store(number, kind, 0, 0, 0)

    def _end_capture(self, task: int, thread: int | None = None) -> None:
        output = self.capture.end(thread) if self.capture is not None else None
        if output is not None:
            self.outputs[task] = output


def _raise_in(thread: threading.Thread) -> None:
    import ctypes  # here, because few runs need it

    ident = ctypes.c_ulong(thread.ident or 0)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(TimedOut))
