"""The backend `serial`: a plain loop in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..model.work import Batch
from .parts import PerRun
from .protocol import Backend, Event

if TYPE_CHECKING:
    from ..worker.calling import BatchCall


class SerialWorkers:
    """The calling thread as the only worker."""

    eager = False
    start_method = "none"

    def __init__(self, workers: int) -> None:
        self.size = 1
        self._events: list[Event] = []

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        for batch in batches:
            call(batch)
            self._events.append(Event(kind="done", batch=batch.number))

    def poll(self, timeout: float, /) -> Sequence[Event]:
        events, self._events = self._events, []
        return events

    def pids(self) -> Mapping[int, int | None]:
        return {}

    def close(self, deadline: float, /) -> list[int]:
        return []


def backends() -> dict[str, Backend]:
    """Return the backend by name."""
    return {"serial": PerRun(SerialWorkers, reach="process", place="caller")}
