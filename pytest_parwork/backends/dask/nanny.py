"""The start of the worker processes of a local dask cluster."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from importlib.machinery import ModuleSpec
from typing import Any
from weakref import WeakSet

import dask
from distributed import LocalCluster, Nanny, Status
from tornado.ioloop import IOLoop

from ...machine.exits import exit_name
from .clock import keep_clocks
from .logs import Nannies
from .preparing import Prepared

#: Variables by which dask passes the id of the parent to a process, in older and newer versions.
PARENT_VARIABLES = {"DASK_PARENT", "__DASK_PARENT_PID"}

#: How many starts may fail in a row: so many in any case, or so many for each worker.
FAILURES = 8
FAILURES_EACH = 4


class Starts:
    """Counts failed starts in a row; a worker that dies later is no reason to give up.

    It also knows the workers that are still starting: dask adds them to its cluster once all have
    started, and closes it after that.
    """

    def __init__(self, nannies: Nannies) -> None:
        self.nannies = nannies
        self._made: WeakSet[Any] = WeakSet()
        self._is_stopped = False
        self._failures = 0
        self._most = FAILURES
        self._error: Exception | None = None

    def expect(self, workers: int) -> None:
        """Start counting, for so many workers."""
        self._failures = 0
        self._most = max(FAILURES, FAILURES_EACH * workers)
        self._error = None

    def note(self, nanny: Nanny) -> None:
        """Note a nanny, which is about to start a worker."""
        self._made.add(nanny)

    def stop(self) -> None:
        """Start no further worker, nor any one again: the cluster is being closed."""
        self._is_stopped = True

    def living(self) -> list[int]:
        """Return the process ids of all workers, also of those that are still starting."""
        while True:
            with suppress(RuntimeError):  # the cluster's thread has made one meanwhile
                return [pid for nanny in list(self._made) if (pid := nanny.pid) is not None]

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
    def may_go_on(self) -> bool:
        """Whether a worker that has not started is started again."""
        return not (self._is_stopped or self.is_hopeless)

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


def _origin(error: BaseException | None) -> BaseException | None:
    """Return the original cause of an error; dask's own error only says that a worker failed."""
    while error is not None and (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error


class QuietCluster(LocalCluster):  # type: ignore[misc]  # which is untyped
    """A local cluster that survives workers which do not start, and uses its own clock."""

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
        ended = {Status.closed, Status.failed}
        names = [name for name, nanny in self.workers.items() if nanny.status in ended]
        for name in names:
            del self.workers[name]
        if names:
            await self._correct_state()


def nanny_class(starts: Starts, settings: Mapping[str, object]) -> type[Any]:
    """Return dask's nanny without its changes to this process and the import of `__main__`.

    It has these settings whenever it is made. A worker that dies while it starts is started again,
    unless that is hopeless.
    """
    aside = _Aside()

    class BareNanny(Nanny):  # type: ignore[misc]  # which is untyped
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            # It may replace another one during a run, when nobody else has these settings.
            with dask.config.set(settings):
                super().__init__(*args, plugins=(Prepared(),), **kwargs)
                # What dask makes of its own shares parts with it.
                self.config: dict[str, object] = deepcopy(dask.config.config)
            starts.note(self)
            # PYTHONHASHSEED, which would be set in this process.
            self.pre_spawn_env: dict[str, str] = {}
            # Older releases start a second one meanwhile, which takes the message of the first.
            self._start_lock = asyncio.Lock()
            self._started: int | None = None  # the process that runs, or ran last
            with suppress(ValueError):  # dask has put it first in the import path of this process
                sys.path.remove(self.local_directory)

        async def instantiate(self) -> Any:
            async with self._start_lock:
                with aside:
                    return await self._instantiate_until_hopeless()

        async def _instantiate_until_hopeless(self) -> Any:
            status = Status.failed
            while starts.may_go_on:
                try:
                    status = await super().instantiate()
                except Exception as error:
                    starts.failed(error)
                    raise
                if status == Status.running:
                    self._started = self.pid
                    starts.succeeded()
                    break
                starts.failed()
                # One that ran before is started again by dask, as soon as it has ended.
                if self.status not in {Status.init, Status.starting}:
                    break
            return status

        def _on_worker_exit_sync(self, exitcode: int) -> None:
            # dask logs how its workers end, but for those that exit with 0 in the middle of it all.
            if not exitcode and self.status == Status.running and self._started is not None:
                starts.nannies.note({self._started: exitcode})
            super()._on_worker_exit_sync(exitcode)

    return BareNanny


class _Aside:
    """Keep processes that are spawned meanwhile from importing `__main__`, which is pytest, again.

    `__main__` is not hidden, as for a process that starts in one call, because dask's start takes a
    while, in its own thread. A program run as `python -m package` is not imported again, so
    `__main__` pretends to be one. The variable that dask sets for the new process is restored.
    """

    def __init__(self) -> None:
        self._starting = 0
        self._spec: ModuleSpec | None = None
        self._variables: set[str] = set()

    def __enter__(self) -> None:
        self._starting += 1
        if self._starting == 1:
            main = sys.modules["__main__"]
            self._spec, main.__spec__ = main.__spec__, ModuleSpec("pytest.__main__", None)
            self._variables = PARENT_VARIABLES - os.environ.keys()

    def __exit__(self, *_: object) -> None:
        self._starting -= 1
        if not self._starting:
            sys.modules["__main__"].__spec__ = self._spec
            for name in self._variables:
                os.environ.pop(name, None)
