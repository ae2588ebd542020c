"""The backends `joblib…`: `joblib.Parallel` with any backend that joblib knows."""

from __future__ import annotations

import ctypes
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from queue import SimpleQueue
from typing import Any

from ..clock import now
from ..errors import BackendError, UsageError
from ..network import NetworkCall, forget
from ..schedule import Batch
from ..worker import BatchCall
from .base import Backend, Event, Reach, Workers, drain, exit_name
from .clusters import Clusters
from .contexts import Processes
from .dask_joined import JoinedDask
from .dask_local import LocalDask, require_distributed

__all__ = ["backends"]

#: Seconds that a call which has lost its workers has to end.
ENDING = 5.0

#: Seconds in which tasks end that run beside one that took its worker with it.
GRACE = 0.5

#: Seconds between two looks at them.
LOOK = 0.01

#: The name of the thread that calls Parallel.
THREAD = "parwork-joblib"

#: What joblib starts by itself, with what is shared with the workers.
BUNDLED: Mapping[str, Reach] = {
    "loky": "machine",
    "threading": "process",
    "multiprocessing": "machine",
}


class JoblibBackend:
    """What joblib has kept from earlier runs (loky's workers) serves later ones."""

    def __init__(self, library: str, clusters: Clusters) -> None:
        self._library = library
        self._clusters = clusters
        self._is_used = False

    def named(self, argument: str, /) -> JoblibBackend:
        """Return the backend of a name that joblib knows, or that ray would register."""
        known = {*_registered(), "ray"}
        if argument not in known:
            raise UsageError(
                f"unknown backend 'joblib:{argument}'; joblib knows: {', '.join(sorted(known))}"
            )
        return JoblibBackend(argument, self._clusters)

    def start(self, workers: int, /) -> Workers:
        self._is_used = True
        if self._library in BUNDLED:
            return JoblibWorkers(workers, self._library)
        if self._library != "dask":
            _register(self._library)
            return RegisteredWorkers(workers, self._library)
        require_distributed()
        joined = self._clusters.joined()
        if joined is not None:
            return JoinedWorkers(workers, joined)
        return LocalWorkers(workers, self._clusters.local)

    def close(self) -> None:
        if self._is_used and self._library == "loky":
            _end_loky()
        if self._is_used and self._library == "dask":
            self._clusters.close()
        self._is_used = False


def _registered() -> list[str]:
    """Return the names of joblib's backends: it has no function that would tell."""
    from joblib import parallel

    return [*parallel.BACKENDS, *parallel.EXTERNAL_BACKENDS]


def _register(library: str) -> None:
    """See to it that joblib knows a backend that was named."""
    if library == "ray" and library not in _registered():
        try:
            from ray.util.joblib import register_ray
        except ImportError as error:
            raise BackendError(f"ray cannot be imported ({error}); pip install ray") from error
        register_ray()


class JoblibWorkers:
    """One call of `joblib.Parallel`, in a thread of its own because it blocks."""

    eager = True

    def __init__(self, workers: int, library: str) -> None:
        self._library = library
        self._may_run_here = library in {*BUNDLED, "sequential"}
        self.reach: Reach = BUNDLED.get(library, "network")
        self.size = workers
        # Only multiprocessing takes its processes from there, and may not fork beside threads.
        self._processes = Processes(None if library == "multiprocessing" else "spawn")
        self.start_method = {
            "threading": "thread",
            "multiprocessing": self._processes.method,
        }.get(library, library)
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        # The end of a call that has lost its workers ends those of the next one, if it comes late.
        self._end_thread(ENDING)
        self._events = SimpleQueue()
        self._thread = threading.Thread(
            target=self._work, args=(call, batches, self._events), name=THREAD, daemon=True
        )
        self._thread.start()

    def _work(self, call: BatchCall, batches: Sequence[Batch], events: SimpleQueue[Event]) -> None:
        import joblib

        # Parallel(1) would run everything in this process, whatever the backend. So one worker is
        # one of two, and has all batches in hand.
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
            events.put(Event(kind="broken", reason=_reason(error)))

    def _chosen(self, call: BatchCall) -> AbstractContextManager[object]:
        """Choose the backend for all that is inside."""
        return nullcontext()

    def _parallel(self) -> Any:
        import joblib

        backend = self._processes.context if self._library == "multiprocessing" else self._library
        settings: dict[str, object] = {"backend": backend, "batch_size": 1}
        if self._library != "multiprocessing":  # which refuses generators
            settings["return_as"] = "generator_unordered"
        return joblib.Parallel(max(2, self.size), **settings)

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


class RegisteredWorkers(JoblibWorkers):
    """Those of a backend of which only the name is known, so that nothing can be shared."""

    _run = ""

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        if isinstance(call, NetworkCall):
            self._run = call.run
        super().submit(call, batches)

    def release(self) -> None:
        """Do nothing: they do not wait."""

    def close(self, deadline: float, /) -> list[int]:
        survivors = super().close(deadline)
        forget(self._run)  # in this process; nobody knows what others there are
        return survivors

    def _parallel(self) -> Any:
        import joblib

        settings: dict[str, object] = {"backend": self._library, "batch_size": 1}
        try:
            return joblib.Parallel(max(2, self.size), return_as="generator_unordered", **settings)
        except ValueError:  # it cannot hand out results as they come
            return joblib.Parallel(max(2, self.size), **settings)


class DaskWorkers(RegisteredWorkers):
    """joblib's backend `dask`, which never tells of a task that failed there: joblib waits on."""

    def __init__(self, workers: int, client: Any) -> None:
        super().__init__(workers, "dask")
        self._client = client
        self._of_before: set[str] = set()

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        self._end_thread(ENDING)
        self._of_before = set(self._client.futures)
        super().submit(call, batches)

    def poll(self, timeout: float, /) -> Sequence[Event]:
        events = drain(self._events, timeout)
        is_running = self._thread is not None and self._thread.is_alive()
        if not events and is_running and self._has_failed():
            self._end_thread(GRACE)
            self._settle()
            return [Event(kind="broken", reason="its worker died")]
        return events

    def _has_failed(self) -> bool:
        return any(
            state.status in {"cancelled", "error", "lost"}
            for key, state in list(self._client.futures.items())
            if key not in self._of_before
        )

    def _settle(self) -> None:
        """Wait for what joblib has let go of."""

    def _parallel(self) -> Any:
        import joblib

        return joblib.Parallel(max(2, self.size), batch_size=1, return_as="generator_unordered")


class LocalWorkers(DaskWorkers):
    """joblib's backend `dask` on the cluster of our own."""

    def __init__(self, workers: int, local: LocalDask) -> None:
        super().__init__(workers, local.client(max(2, workers)))  # with one, all would run here
        self.reach = "machine"
        self.start_method = "spawn"
        self._local = local
        codes = local.exit_codes()
        self._of_others = {pid for pid, code in codes.items() if code is not None}

    def _settle(self) -> None:
        until = now() + GRACE
        with suppress(Exception):
            while self._client.call_stack():
                if now() > until:
                    self._local.close()
                    break
                time.sleep(LOOK)

    def _chosen(self, call: BatchCall) -> AbstractContextManager[object]:
        self._client = self._local.client(max(2, self.size))  # workers that died are back now
        return _on_dask(self._client, [])

    def pids(self) -> Mapping[int, int | None]:
        codes = self._local.exit_codes()
        return {pid: code for pid, code in codes.items() if pid not in self._of_others}

    def close(self, deadline: float, /) -> list[int]:
        super().close(deadline)
        self._settle()  # or what the run left would meet the next one
        return []


class JoinedWorkers(DaskWorkers):
    """joblib's backend `dask` on a cluster that is joined."""

    def __init__(self, workers: int, joined: JoinedDask) -> None:
        super().__init__(workers, joined.client(workers))
        self._joined = joined
        threads = sum(self._client.nthreads().values())
        if threads < 2:
            raise BackendError(
                f"the dask cluster at {joined.address} has one thread only, for which joblib "
                f"starts nothing; add workers, or use the backend dask"
            )
        self.size = min(workers, threads)

    def poll(self, timeout: float, /) -> Sequence[Event]:
        if not self._joined.is_connected:
            reason = f"the dask scheduler at {self._joined.address} went away"
            return [Event(kind="gone", reason=reason)]
        return super().poll(timeout)

    def _chosen(self, call: BatchCall) -> AbstractContextManager[object]:
        self._client = self._joined.client(max(2, self.size))  # workers that died are back now
        return _on_dask(self._client, [call])

    def pids(self) -> Mapping[int, int | None]:
        return self._joined.exit_codes() if self._joined.is_connected else {}

    def close(self, deadline: float, /) -> list[int]:
        survivors = super().close(deadline)
        self._joined.say_to_all(forget, self._run)
        return survivors


@contextmanager
def _on_dask(client: Any, shared: list[object]) -> Iterator[None]:
    """Have `Parallel` use the cluster of `client`, with what all tasks share sent once."""
    import joblib

    with client.as_current(), joblib.parallel_config(backend="dask", client=client, scatter=shared):
        yield


def _in_turn_elsewhere(call: BatchCall, batches: Sequence[Batch]) -> list[tuple[int, object]]:
    """Refuse to run where Parallel was called: where there is one worker only, joblib does that.

    A task that kills its worker would take pytest with it.
    """
    if threading.current_thread().name == THREAD:
        raise BackendError("there is only one worker, for which joblib starts nothing")
    return _in_turn(call, batches)


def _in_turn(call: BatchCall, batches: Sequence[Batch]) -> list[tuple[int, object]]:
    return [(batch.number, call(batch)) for batch in batches]


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


def backends(clusters: Clusters) -> dict[str, Backend]:
    """Return the backends by name; `joblib` alone is loky."""
    loky = JoblibBackend("loky", clusters)
    return {
        "joblib": loky,
        "joblib:loky": loky,
        "joblib:threading": JoblibBackend("threading", clusters),
        "joblib:multiprocessing": JoblibBackend("multiprocessing", clusters),
        "joblib:dask": JoblibBackend("dask", clusters),
    }
