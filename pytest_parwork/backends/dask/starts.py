"""The starts of the workers of a local dask cluster: their processes, and how many have failed."""

from __future__ import annotations

import threading
from typing import Any

from ...machine.exits import exit_name
from ...machine.process_groups import state_of
from .logs import Nannies

#: How many starts may fail in a row: so many in any case, or so many for each worker.
FAILURES = 8
FAILURES_EACH = 4


class Starts:
    """Counts failed starts in a row; a worker that dies later is no reason to give up.

    It also knows every process that was started. dask adds a nanny to its cluster once all have
    started, and a nanny that is closed forgets its process, also one that is still starting.
    """

    def __init__(self, nannies: Nannies) -> None:
        self.nannies = nannies
        self._processes: set[Any] = set()  # of dask's class, each for one process after the other
        self._under_way = 0
        self._is_stopped = False
        self._changing = threading.Lock()
        self._failures = 0
        self._most = FAILURES
        self._error: Exception | None = None

    def expect(self, workers: int) -> None:
        """Start counting, for so many workers."""
        self._failures = 0
        self._most = max(FAILURES, FAILURES_EACH * workers)
        self._error = None

    def note(self, process: Any) -> None:
        """Note a worker process, which has not started yet."""
        with self._changing:
            self._processes.add(process)

    def begin(self, process: Any) -> bool:
        """Note that a process is about to start, perhaps again; return False if it must not.

        `process` is None if it is not made yet.
        """
        with self._changing:
            if self._is_stopped or self.is_hopeless:
                return False
            self._under_way += 1
            self._processes = {one for one in self._processes if one.status.name != "stopped"}
            if process is not None:
                self._processes.add(process)
            return True

    def end(self, process: Any) -> None:
        """Note that the start of a process is over; None stands for one that may still start."""
        with self._changing:
            self._under_way -= 1
            started = process.process if process is not None else None
            if started is not None and _pid_of(started) is None:
                self._processes.discard(process)  # the system could not start it

    def stop(self) -> None:
        """Start no further worker, nor any one again: the cluster is being closed."""
        with self._changing:
            self._is_stopped = True

    def living(self) -> list[int]:
        """Return the process ids of all workers that live, whatever has become of their nannies."""
        pids = map(_pid_of, self._unfinished())
        return [pid for pid in pids if pid is not None and state_of(pid) != "Z"]

    @property
    def is_any_left(self) -> bool:
        """Whether a worker lives or is about to start."""
        is_any_starting = self._under_way > 0 or None in map(_pid_of, self._unfinished())
        return is_any_starting or bool(self.living())

    def _unfinished(self) -> list[Any]:
        """Return the processes that dask was to start, and that have not exited."""
        with self._changing:
            found = [process.process for process in self._processes]
        return [process for process in found if process is not None and process.exitcode is None]

    def succeeded(self) -> None:
        """Note that a worker has started."""
        self._failures = 0

    def failed(self, error: Exception | None = None) -> None:
        """Note that a worker has not started, because of an error or the end of its process."""
        self._failures += 1
        self._error = error

    @property
    def is_hopeless(self) -> bool:
        """Whether it is useless to start another one."""
        return self._failures >= self._most

    @property
    def reason(self) -> str:
        """Why it is useless."""
        codes = [code for code in self.nannies.codes.values() if code is not None]
        error = _origin(self._error)
        last = f"{type(error).__name__}: {error}" if error else ""
        if not last and codes:
            last = exit_name(codes[-1])
        ending = f", the last with {last}" if last else ""
        return f"{self._failures} dask workers in a row ended while they started{ending}"


def _pid_of(process: Any) -> int | None:
    """Return the id of a process of dask's, None as long as the system has not started it.

    dask itself learns it a moment later, or never if it has no thread left that would watch it.
    """
    started = getattr(process, "_process", None)
    pid: int | None = started.pid if started is not None else process.pid
    return pid


def _origin(error: BaseException | None) -> BaseException | None:
    """Return the original cause of an error; dask's own error only says that a worker failed."""
    while error is not None and (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error
