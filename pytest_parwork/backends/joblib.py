"""The backends `joblib…`: `joblib.Parallel` with loky, threading or multiprocessing."""

from __future__ import annotations

import ctypes
import re
import threading
from collections.abc import Mapping, Sequence
from queue import SimpleQueue
from typing import Literal

from ..schedule import Batch
from ..worker import BatchCall
from .base import Backend, Event, Reach, drain, exit_name
from .contexts import Processes

__all__ = ["backends"]

#: Seconds that a call which has lost its workers has to end.
ENDING = 5.0

Library = Literal["loky", "threading", "multiprocessing"]


class JoblibBackend:
    """What joblib has kept from earlier runs (loky's workers) serves later ones."""

    def __init__(self, library: Library) -> None:
        self._library: Library = library
        self._is_used = False

    def start(self, workers: int, /) -> JoblibWorkers:
        self._is_used = True
        return JoblibWorkers(workers, self._library)

    def close(self) -> None:
        if self._is_used and self._library == "loky":
            _end_loky()
        self._is_used = False


class JoblibWorkers:
    """One call of `joblib.Parallel`, in a thread of its own because it blocks."""

    eager = True

    def __init__(self, workers: int, library: Library) -> None:
        self._library: Library = library
        self.reach: Reach = "process" if library == "threading" else "machine"
        self.size = workers
        # loky and threading start no process by it, so that the default method is none of theirs.
        self._processes = Processes(None if library == "multiprocessing" else "spawn")
        self.start_method = {
            "loky": "loky",
            "threading": "thread",
            "multiprocessing": self._processes.method,
        }[library]
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        # The end of a call that has lost its workers ends those of the next one, if it comes late.
        self._end_thread(ENDING)
        self._events = SimpleQueue()
        self._thread = threading.Thread(
            target=self._work,
            args=(call, batches, self._events),
            name="parwork-joblib",
            daemon=True,
        )
        self._thread.start()

    def _work(self, call: BatchCall, batches: Sequence[Batch], events: SimpleQueue[Event]) -> None:
        import joblib

        settings: dict[str, object] = {}
        if self._library != "multiprocessing":  # which refuses generators
            settings["return_as"] = "generator_unordered"
        # Parallel(1) would run everything in this process, whatever the backend. So one worker is
        # one of two, and has all batches in hand.
        backend = self._processes.context if self._library == "multiprocessing" else self._library
        parallel = joblib.Parallel(max(2, self.size), backend=backend, batch_size=1, **settings)
        hands = [[batch] for batch in batches] if self.size > 1 else [list(batches)]
        work = (joblib.delayed(_in_turn)(call, hand) for hand in hands if not self._is_closed)
        try:
            for numbers in parallel(work):
                for number in numbers:
                    events.put(Event(kind="done", batch=number))
        except _Ended:
            pass
        except BaseException as error:
            events.put(Event(kind="broken", reason=_reason(error)))

    def poll(self, timeout: float, /) -> Sequence[Event]:
        return drain(self._events, timeout)

    def pids(self) -> Mapping[int, int | None]:
        return self._processes.exit_codes()  # none of loky, which tells itself when one dies

    def close(self, deadline: float, /) -> list[int]:
        self._is_closed = True
        if self._thread is not None:
            self._thread.join(0.2 if self._library != "threading" else deadline)
        self._end_thread(deadline)
        return self._processes.end(deadline)

    def _end_thread(self, deadline: float) -> None:
        """End a call of Parallel that is still waiting for workers, and its processes with it."""
        if self._thread is None or not self._thread.is_alive():
            return
        if self._library == "loky":
            _end_loky()
        else:
            # A Pool that lost a worker waits for ever, as one does for a thread that never comes
            # back; joblib clears up when it is interrupted.
            ident = ctypes.c_ulong(self._thread.ident or 0)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(_Ended))
        self._thread.join(deadline)


def _in_turn(call: BatchCall, batches: Sequence[Batch]) -> list[int]:
    return [call(batch) for batch in batches]


class _Ended(BaseException):
    """Raised inside a thread that waits for workers that are gone."""


def _reason(error: BaseException) -> str:
    """Tell why a call ended; of loky's page about dead workers, how the first of them did."""
    told = f"{type(error).__name__}: {error}"
    code = re.search(r"exit codes of the workers are \{\w+\((-?\d+)\)", told)
    return exit_name(int(code[1])) if code else told


def _end_loky() -> None:
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=True)


def backends() -> dict[str, Backend]:
    """Return the backends by name; `joblib` alone is loky."""
    loky = JoblibBackend("loky")
    return {
        "joblib": loky,
        "joblib:loky": loky,
        "joblib:threading": JoblibBackend("threading"),
        "joblib:multiprocessing": JoblibBackend("multiprocessing"),
    }
