"""Batches of a run whose workers share nothing with the runner, and are sent all they need."""

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
    """The pickled result of a batch: where it ran, when it was sent, the outcomes of its tasks."""

    host: str
    sent: float
    entries: tuple[Entry, ...]


class NetworkCall:
    """Run batches on any machine; sent once to each worker, if the library can do that.

    `header` is a pickled `Header`, `payload` the content of the file of `Payload.write`, `sources`
    the sources of the project's modules. `timeouts` are the seconds that tasks may take; a process
    in which a task takes longer ends itself.
    """

    __slots__ = ("_header", "_payload", "_sources", "_timeouts", "home", "run")

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

        `place` names the process. With `announce`, a worker reports its arrival, and waits for the
        release before its first task.
        """
        site = Site.of(self)
        with site.seat() as number:
            worker = f"{place or f'{socket.gethostname()}:{os.getpid()}'}#{number}"
            entries = site.run_batch(batch, worker, announce)
        return by_reference(Body(host(), now(), entries), protocol=5)

    def attach(self) -> Site:
        """Make the site of the run in this process."""
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
