"""The workers of one call of `joblib.Parallel`, which blocks a thread of its own."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from queue import Empty
from typing import TYPE_CHECKING, Any

from ...machine.clock import now
from ...machine.contexts import Processes
from ...machine.exits import exit_name
from ...model.errors import BackendError
from ...model.work import Batch
from ...worker.calling import BatchCall
from ..parts import EventQueue
from ..protocol import Event
from . import BUNDLED

if TYPE_CHECKING:
    from .loky import ReportingLoky

#: Seconds that a call which has lost its workers, or a released worker, has to end.
ENDING = 5.0

#: Seconds that joblib has to clear up after a call that is interrupted.
INTERRUPTING = 1.0

#: The module in which loky keeps its executor.
LOKY = "joblib.externals.loky.reusable_executor"

#: The name of the thread that calls Parallel.
THREAD = "parwork-joblib"


class ParallelWorkers:
    """One call of `joblib.Parallel`, in a thread of its own because it blocks."""

    eager = True

    def __init__(self, workers: int, library: str) -> None:
        self._library = library
        self._may_run_here = library in {*BUNDLED, "sequential"}
        self.size = workers
        # Only multiprocessing takes its processes from there, and must not fork alongside threads.
        self._processes = Processes(None if library == "multiprocessing" else "spawn")
        self.start_method = {
            "threading": "thread",
            "multiprocessing": self._processes.method,
        }.get(library, library)
        self._events = EventQueue()
        self._thread: threading.Thread | None = None
        # Waited for instead of the thread, which cannot be joined if Ctrl-C came while it started.
        self._is_over = threading.Event()
        self._loky: ReportingLoky | None = None
        self._is_closed = False

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        # A call that has lost its workers and ends late would end the workers of the next call.
        self._end_thread(ENDING)
        self._events = EventQueue()
        self._is_over = threading.Event()
        self._thread = threading.Thread(
            target=self._work_to_the_end,
            args=(call, batches, self._events),
            kwargs={"is_over": self._is_over},
            name=THREAD,
            daemon=True,
        )
        self._thread.start()

    def _work_to_the_end(self, *work: Any, is_over: threading.Event) -> None:
        try:
            self._work(*work)
        finally:
            is_over.set()

    def _work(self, call: BatchCall, batches: Sequence[Batch], events: EventQueue) -> None:
        import joblib

        # Parallel(1) would run everything in this process, whatever the backend. So a single worker
        # is one of two, and gets all batches.
        hands = [[batch] for batch in batches] if self.size > 1 else [list(batches)]
        do = joblib.delayed(_in_turn if self._may_run_here else _in_turn_elsewhere)
        work = (do(call, hand) for hand in hands if not self._is_closed)
        try:
            with self._chosen(call):
                for results in self._parallel()(work):
                    for number, result in results:
                        body = result if isinstance(result, bytes) else b""
                        events.put(Event(kind="done", batch=number, body=body))
        except _Ended:
            pass
        except BaseException as error:
            events.put(Event(kind="broken", reason=_reason(error), alive=_alive(error)))

    def _chosen(self, call: BatchCall) -> AbstractContextManager[object]:
        """Choose the backend inside the block."""
        return nullcontext()

    def _parallel(self) -> Any:
        import joblib

        settings: dict[str, object] = {"backend": self._backend(), "batch_size": 1}
        if self._library != "multiprocessing":  # which does not support generators
            settings["return_as"] = "generator_unordered"
        return joblib.Parallel(max(2, self.size), **settings)

    def _backend(self) -> object:
        if self._library == "multiprocessing":
            return self._processes.context
        if self._library == "loky":
            from .loky import ReportingLoky  # here, because it imports joblib

            self._loky = ReportingLoky()
            return self._loky
        return self._library

    def poll(self, timeout: float, /) -> Sequence[Event]:
        return self._events.drain(timeout)

    def pids(self) -> Mapping[int, int | None]:
        return self._processes.exit_codes()  # not loky's: it reports itself when a worker dies

    def close(self, deadline: float, /) -> list[int]:
        self._is_closed = True
        if self._thread is not None:
            self._is_over.wait(0.2 if self._library != "threading" else deadline)
        self._end_thread(deadline)
        return self._processes.end(deadline)

    def _end_thread(self, deadline: float) -> None:
        """End a call of Parallel that is still waiting for workers, and its processes with it."""
        if self._thread is None or self._is_over.is_set():
            return
        if self._library == "loky":
            if self._loky is not None:
                self._loky.stop()
            end_loky()
        else:
            self._interrupt_thread(self._thread, deadline)
        self._is_over.wait(deadline)

    def _interrupt_thread(self, thread: threading.Thread, deadline: float) -> None:
        """End the call of Parallel by an exception; joblib clears up when it is interrupted.

        A Pool that has lost a worker waits for ever, and so does one for a thread that does not
        return. An exception inside a finalizer is dropped, so it may have to be raised again.
        """
        import ctypes

        until = now() + deadline
        while not self._is_over.is_set() and now() < until:
            ident = ctypes.c_ulong(thread.ident or 0)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(_Ended))
            self._is_over.wait(min(deadline, INTERRUPTING))


class RegisteredWorkers(ParallelWorkers):
    """Workers of a backend of which only the name is known, so that nothing can be shared.

    Imports are in its methods, because a session on this machine need not load the network.
    """

    _run = ""

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        from ...worker.network import NetworkCall

        if isinstance(call, NetworkCall):
            self._run = call.run
        super().submit(call, batches)

    def release(self) -> None:
        """Do nothing, because these workers do not wait."""

    def close(self, deadline: float, /) -> list[int]:
        from ...worker.sites import forget

        survivors = super().close(deadline)
        forget(self._run)  # in this process; the other processes are unknown
        return survivors

    def _parallel(self) -> Any:
        import joblib

        settings: dict[str, object] = {"backend": self._library, "batch_size": 1}
        try:
            return joblib.Parallel(max(2, self.size), return_as="generator_unordered", **settings)
        except ValueError:  # the backend cannot return results as they come
            return joblib.Parallel(max(2, self.size), **settings)


def _in_turn_elsewhere(call: BatchCall, batches: Sequence[Batch]) -> list[tuple[int, object]]:
    """Refuse to run in the calling thread, where joblib runs all tasks if it has one worker.

    A task that kills its worker would kill pytest.
    """
    if threading.current_thread().name == THREAD:
        raise BackendError(
            "joblib starts no worker process for a single worker; use workers=2 or more"
        )
    return _in_turn(call, batches)


def _in_turn(call: BatchCall, batches: Sequence[Batch]) -> list[tuple[int, object]]:
    return [(batch.number, call(batch)) for batch in batches]


class _Ended(BaseException):
    """Raised inside a thread that waits for workers that have exited."""


def _reason(error: BaseException) -> str:
    """Return why a call ended; from loky's long text about dead workers, how the first one died."""
    how = getattr(error, "how", "")
    if how:
        return str(how)
    text = f"{type(error).__name__}: {error}"
    code = re.search(r"exit codes of the workers are \{\w+\((-?\d+)\)", text)
    return exit_name(int(code[1])) if code else text


def _alive(error: BaseException) -> frozenset[int]:
    """Return the workers that were alive when another had died, as the error keeps them."""
    alive: frozenset[int] = getattr(error, "alive", frozenset())
    return alive


def end_loky(*, at_leisure: bool = False) -> None:
    """End the workers that loky keeps; `at_leisure` gives them time to end by themselves."""
    # loky's function for the executor would make one if there is none, and would fail if Ctrl-C
    # came during the import of joblib.
    executor = getattr(sys.modules.get(LOKY), "_executor", None)
    if executor is None:
        return
    if at_leisure:
        ending = threading.Thread(target=executor.shutdown, daemon=True)
        ending.start()
        ending.join(ENDING)
    # loky's thread drops all calls and then looks up those that wait to be queued, as calls do
    # while the workers start: it would fail with a KeyError, which pytest reports.
    with suppress(AttributeError, Empty):
        while True:
            executor._work_ids.get(block=False)
    executor.shutdown(wait=True, kill_workers=True)
