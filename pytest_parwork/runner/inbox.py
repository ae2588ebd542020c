"""Outcomes that arrive as messages, stored in ledger and spool like those on a shared machine."""

from __future__ import annotations

import pickle

from ..machine.clock import host, now
from ..transport.ledger import Ledger, State
from ..transport.notes import Entry
from ..transport.spool import Spool
from ..worker.network import Body


class Inbox:
    """Stores what workers send in ledger and spool, with times on the clock of this machine."""

    def __init__(self, ledger: Ledger, spool: Spool) -> None:
        self._ledger = ledger
        self._spool = spool
        self._numbers: dict[str, int] = {}
        self._delays: dict[str, float] = {}
        self._served: set[str] = set()
        self._foreign: list[tuple[str, Entry, tuple[int, int]]] = []

    def number(self, worker: str) -> int:
        """Return the number of a worker in the ledger."""
        return self._numbers.setdefault(worker, len(self._numbers) + 1)

    def has_served(self, place: str) -> bool:
        """Return whether an outcome was sent from that place."""
        return place in self._served

    def take(self, data: bytes) -> list[Entry]:
        """Store the outcomes of a batch; return the entries of tasks without an outcome."""
        body = pickle.loads(data)
        assert isinstance(body, Body)
        if body.host != host():
            # The clocks differ by at most this much, because the message took some time.
            delay = now() - body.sent
            self._delays[body.host] = min(delay, self._delays.get(body.host, delay))
        lost = []
        for entry in body.entries:
            if self._ledger.state(entry.task) is State.STORED:
                continue  # it was sent twice
            place = (0, 0)
            if entry.kind in {"died", "left", "stopped", "timeout"}:
                lost.append(entry)
            else:
                place = self._spool.append(
                    entry.data, [pickle.PickleBuffer(b) for b in entry.buffers]
                )
                if entry.output:
                    self._spool.append(entry.output, [])
            self._file(entry, place, self._delays.get(body.host, 0.0))
            if body.host != host():
                self._foreign.append((body.host, entry, place))
        return lost

    def settle(self) -> None:
        """Correct the times of other machines, by the fastest message from each."""
        for name, entry, place in self._foreign:
            self._file(entry, place, self._delays[name])

    def _file(self, entry: Entry, place: tuple[int, int], delay: float) -> None:
        task = entry.task
        arrived, started, ended = (
            at + delay if at else 0.0 for at in (entry.arrived, entry.started, entry.ended)
        )
        self._ledger.arrive(task, self.number(entry.worker), arrived)
        if entry.started:
            self._ledger.start(task, started)
        if (
            entry.kind == "died"
            or entry.kind == "left"
            or entry.kind == "stopped"
            or entry.kind == "timeout"
        ):
            return
        if entry.ended:
            self._ledger.end(task, ended, entry.cpu)
        self._served.add(entry.worker.rpartition("#")[0])  # a process has a name for each thread
        has_output = bool(entry.output)
        self._ledger.store(task, entry.kind, self._spool.number, *place, has_output=has_output)
