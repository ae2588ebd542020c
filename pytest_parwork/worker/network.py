"""Carry out batches where nothing is shared with the runner: all that it takes goes along."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..machine.clock import host, now
from ..model.work import Batch
from ..transport.journal import Entry
from ..transport.modules import Sources
from ..transport.payload import Handle
from ..transport.pickling import by_reference
from .sites import Site

__all__ = ["Body", "NetworkCall"]


class Body(NamedTuple):
    """What a batch returns, pickled: where it ran, when it was sent, what became of its tasks."""

    host: str
    sent: float
    entries: tuple[Entry, ...]


class NetworkCall:
    """Carry out batches on any machine; travels once to each worker, where the library can.

    `payload` is the file that `Payload.write` makes, `sources` those of the project's modules.
    `timeouts` are the seconds that tasks may take; a process with one that takes longer ends.
    """

    __slots__ = ("__weakref__", "_handle", "_payload", "_sources", "_timeouts", "home")

    def __init__(
        self,
        handle: Handle,
        payload: bytes,
        sources: Sources,
        *,
        timeouts: Mapping[int, float] | None = None,
        home: tuple[str, int] | None = None,
    ) -> None:
        self._handle = handle
        self._payload = payload
        self._sources = sources
        self._timeouts = timeouts or {}
        self.home = home or (host(), os.getpid())

    def __reduce__(self) -> tuple[Callable[..., NetworkCall], tuple[object, ...]]:
        return _again, (self._handle, self._payload, self._sources, self._timeouts, self.home)

    @property
    def run(self) -> str:
        """The run that this belongs to."""
        return self._handle.run

    @property
    def timeouts(self) -> Mapping[int, float]:
        """The seconds that tasks may take, by number."""
        return self._timeouts

    def __call__(
        self,
        batch: Batch,
        /,
        *,
        place: str = "",
        announce: Callable[[str], None] | None = None,
    ) -> bytes:
        """Carry out a batch; return a pickled `Body`.

        `place` names the process among others. With `announce`, a worker says that it has come,
        and waits for the release before its first task.
        """
        site = Site.of(self)
        with site.seat() as number:
            worker = f"{place or f'{socket.gethostname()}:{os.getpid()}'}#{number}"
            entries = site.carry_out_batch(batch, worker, announce)
        return by_reference(Body(host(), now(), entries), protocol=5)

    def attach(self) -> Site:
        """Make what this process holds of the run."""
        return Site(self._handle, self._payload, self._sources, self._timeouts, home=self.home)


def _again(
    handle: Handle,
    payload: bytes,
    sources: Sources,
    timeouts: Mapping[int, float],
    home: tuple[str, int],
) -> NetworkCall:
    return NetworkCall(handle, payload, sources, timeouts=timeouts, home=home)
