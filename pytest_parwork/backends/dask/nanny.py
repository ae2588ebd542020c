"""The start of the worker processes of a local dask cluster."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from typing import Any

import dask
from distributed import LocalCluster, Nanny, Status
from tornado.ioloop import IOLoop

from .aside import Aside
from .clock import keep_clocks
from .preparing import Prepared
from .starts import Starts

#: The states of a nanny that starts no worker any more.
ENDED = {Status.closing, Status.closed, Status.closing_gracefully, Status.failed}


class QuietCluster(LocalCluster):  # type: ignore[misc]  # which is untyped
    """A local cluster that survives workers which do not start, and uses its own clock.

    `note` gets it before it starts: if Ctrl-C comes meanwhile, it has to be closed, too.
    """

    def __init__(self, *, note: Callable[[QuietCluster], None], **settings: Any) -> None:
        note(self)
        super().__init__(**settings)
        # dask would wait ten seconds, as Python exits, for a cluster that is still being closed.
        self.shutdown_on_close = False

    def __del__(self) -> None:
        """Do nothing: dask would warn of one that it could not close; its owner has ended it."""

    async def _start(self) -> None:
        keep_clocks(IOLoop.current())
        await super()._start()

    async def _correct_state_internal(self) -> None:
        with suppress(Exception):  # its nanny has counted it
            await super()._correct_state_internal()

    def replace_ended(self) -> None:
        """Replace workers whose nannies have given up: these do not return."""
        self.loop.add_callback(self._replace_ended)

    async def _replace_ended(self) -> None:
        given_up = {Status.closed, Status.failed}
        names = [name for name, nanny in self.workers.items() if nanny.status in given_up]
        for name in names:
            del self.workers[name]
        if names:
            await self._correct_state()


class BareNanny(Nanny):  # type: ignore[misc]  # which is untyped
    """dask's nanny without its changes to this process and the import of `__main__`.

    It has its `settings` whenever it is made. A worker that dies while it starts is started again,
    unless that is hopeless, or the nanny is closed.
    """

    starts: Starts
    settings: Mapping[str, object]
    aside: Aside
    _latest: Any = None  # the latest `process`, even if the nanny is closed

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # It may replace another one during a run, when nobody else has these settings.
        with dask.config.set(self.settings):
            super().__init__(*args, plugins=(Prepared(),), **kwargs)
            # What dask makes of its own shares parts with it.
            self.config: dict[str, object] = deepcopy(dask.config.config)
        # PYTHONHASHSEED, which would be set in this process.
        self.pre_spawn_env: dict[str, str] = {}
        # Older releases start a second one meanwhile, which takes the message of the first.
        self._start_lock = asyncio.Lock()
        self._started: int | None = None  # the process that runs, or ran last
        with suppress(ValueError):  # dask has put it first in the import path of this process
            sys.path.remove(self.local_directory)

    async def instantiate(self) -> Any:
        async with self._start_lock:
            with self.aside:
                return await self._instantiate_until_hopeless()

    @property
    def process(self) -> Any:
        """The worker process; dask forgets it as it closes the nanny, even if it lives on."""
        return self._worker

    @process.setter
    def process(self, process: Any) -> None:
        self._worker = process
        if process is not None:
            self._latest = process
            self.starts.note(process)

    async def _instantiate_until_hopeless(self) -> Any:
        status = Status.failed
        # It may have waited for the lock until the nanny was closed.
        while self.status not in ENDED and self.starts.begin(self.process):
            try:
                status = await super().instantiate()
            except Exception as error:
                self.starts.end(self._latest)
                self.starts.failed(error)
                raise
            except BaseException:  # it is cancelled, but a thread may still start the process
                self.starts.end(None)
                raise
            self.starts.end(self._latest)
            if status == Status.running:
                self._started = self.pid
                self.starts.succeeded()
                break
            self.starts.failed()
            # One that ran before is started again by dask, as soon as it has ended.
            if self.status not in {Status.init, Status.starting}:
                break
        return status

    def _on_worker_exit_sync(self, exitcode: int) -> None:
        # dask logs how its workers end, but for those that exit with 0 in the middle of it all.
        if not exitcode and self.status == Status.running and self._started is not None:
            self.starts.nannies.note({self._started: exitcode})
        super()._on_worker_exit_sync(exitcode)


def nanny_class(starts: Starts, settings: Mapping[str, object], aside: Aside) -> type[BareNanny]:
    """Return the class of the nannies of one cluster: dask makes them itself."""
    parts = {"starts": starts, "settings": settings, "aside": aside}
    return type(BareNanny.__name__, (BareNanny,), parts)
