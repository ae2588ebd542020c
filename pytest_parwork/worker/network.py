"""Batches of a run whose workers share nothing with the runner: all that they need is sent."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..machine.clock import host, now
from ..model.work import Batch
from ..transport.modules import Sources
from ..transport.notes import Entry
from ..transport.pickling import by_reference
from .sites import Site


class Body(NamedTuple):
    """What a batch returns, pickled: where it ran, when it was sent, what became of its tasks."""

    host: str
    sent: float
    entries: tuple[Entry, ...]


class NetworkCall:
    """Run batches on any machine; sent once to each worker, where the library can do that.

    `header` is a pickled `Header`, `payload` what `Payload.write` has put into its file, `sources`
    those of the project's modules. `timeouts` are the seconds that tasks may take; a process with
    one that takes longer ends.
    """

    __slots__ = ("__weakref__", "_header", "_payload", "_sources", "_timeouts", "home", "run")

    def __init__(
        self,
        run: str,
        header: bytes,
        payload: bytes,
        sources: Sources,
        *,
        timeouts: Mapping[int, float] | None = None,
        home: tuple[str, int] | None = None,
    ) -> None:
        self.run = run
        self._header = header
        self._payload = payload
        self._sources = sources
        self._timeouts = timeouts or {}
        self.home = home or (host(), os.getpid())

    def __reduce__(self) -> tuple[Callable[..., NetworkCall], tuple[object, ...]]:
        return _again, (
            self.run,
            self._header,
            self._payload,
            self._sources,
            self._timeouts,
            self.home,
        )

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
        """Run a batch; return a pickled `Body`.

        `place` names the process among others. With `announce`, a worker says that it has come,
        and waits for the release before its first task.
        """
        site = Site.of(self)
        with site.seat() as number:
            worker = f"{place or f'{socket.gethostname()}:{os.getpid()}'}#{number}"
            entries = site.run_batch(batch, worker, announce)
        return by_reference(Body(host(), now(), entries), protocol=5)

    def attach(self) -> Site:
        """Make what this process holds of the run."""
        return Site(
            self.run, self._header, self._payload, self._sources, self._timeouts, home=self.home
        )


def _again(
    run: str,
    header: bytes,
    payload: bytes,
    sources: Sources,
    timeouts: Mapping[int, float],
    home: tuple[str, int],
) -> NetworkCall:
    return NetworkCall(run, header, payload, sources, timeouts=timeouts, home=home)
