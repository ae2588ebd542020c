"""The backends `isolated…`: one `multiprocessing.Process` per task, with each start method."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from ..machine.exits import exit_name
from ..model.dataclass import dataclass
from ..model.work import Batch
from .protocol import LEAVING, Event

if TYPE_CHECKING:
    from ..worker.calling import BatchCall


@dataclass(slots=True)
class _Lane:
    """A batch that is being run: its tasks one after the other, each in its own process."""

    call: BatchCall
    batch: Batch
    left: deque[int]


class IsolatedWorkers:
    """At most `workers` processes at once."""

    eager = False

    def __init__(self, workers: int, method: str | None, *, avoid: str = "") -> None:
        from ..machine.contexts import Processes  # a session on threads needs none

        self.size = workers
        self._processes = Processes(method, may_change=True, avoid=avoid)
        self.start_method = self._processes.method
        self.avoided = self._processes.threads
        self._waiting: deque[_Lane] = deque()
        self._running: dict[int, tuple[BaseProcess, _Lane]] = {}  # by sentinel

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        self._waiting.extend(_Lane(call, batch, deque(batch.tasks)) for batch in batches)
        self._fill()

    def poll(self, timeout: float, /) -> Sequence[Event]:
        events = []
        connection.wait(list(self._running), timeout)
        # The sentinel is not enough: a process that a task has left behind holds it open.
        over = [key for key, (process, _) in self._running.items() if process.exitcode is not None]
        for sentinel in over:
            process, lane = self._running.pop(sentinel)
            code = self._processes.release(process)
            number = lane.batch.number
            if code != 0:
                events.append(Event(kind="broken", batch=number, reason="its process died"))
            elif lane.left:
                self._start(lane)
            else:
                # A task may have ended its process so, without an outcome.
                events.append(Event(kind="done", batch=number, reason=exit_name(code)))
        self._fill()
        return events

    def pids(self) -> Mapping[int, int | None]:
        # A process that has done its task exits with 0; that is no crash to report.
        return {pid: code or None for pid, code in self._processes.exit_codes().items()}

    def signs(self) -> Mapping[int, float]:
        # Threads, children or exit handlers left by a task may keep its process from exiting.
        return {process.pid: LEAVING for process, _ in self._running.values() if process.pid}

    def close(self, deadline: float, /) -> list[int]:
        self._waiting.clear()
        return self._processes.end(deadline)

    def _fill(self) -> None:
        while self._waiting and len(self._running) < self.size:
            self._start(self._waiting.popleft())

    def _start(self, lane: _Lane) -> None:
        batch = Batch(number=lane.batch.number, tasks=(lane.left.popleft(),))
        process = self._processes.start(lane.call, batch)
        self._running[process.sentinel] = (process, lane)
