"""How the worker processes of a local dask cluster are started."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from importlib.machinery import ModuleSpec
from typing import Any

from distributed import LocalCluster, Nanny, Status
from tornado.ioloop import IOLoop

from ...machine.exits import exit_name
from .clock import OwnClock, keep_clocks
from .logs import Nannies

#: By which dask tells a process which one has started it, in older and newer versions.
PARENT_VARIABLES = {"DASK_PARENT", "__DASK_PARENT_PID"}

#: How many starts in a row may fail, and how many of each worker.
FAILURES = 8
FAILURES_EACH = 4


class Starts:
    """Counts the workers that did not start, in a row; one that dies is no reason to give up."""

    def __init__(self, nannies: Nannies) -> None:
        self.nannies = nannies
        self._failures = 0
        self._most = FAILURES
        self._error: Exception | None = None

    def expect(self, workers: int) -> None:
        """Begin to count, for so many workers."""
        self._failures = 0
        self._most = max(FAILURES, FAILURES_EACH * workers)
        self._error = None

    def succeeded(self) -> None:
        """Take note of a worker that has started."""
        self._failures = 0

    def failed(self, error: Exception | None = None) -> None:
        """Take note of one that has not, for an error or because its process ended."""
        self._failures += 1
        self._error = error

    @property
    def is_hopeless(self) -> bool:
        """Whether there is no use in starting another one."""
        return self._failures >= self._most

    @property
    def reason(self) -> str:
        """Why it is."""
        codes = [code for code in self.nannies.codes.values() if code is not None]
        error = _origin(self._error)
        last = f"{type(error).__name__}: {error}" if error else ""
        if not last and codes:
            last = exit_name(codes[-1])
        told = f", the last with {last}" if last else ""
        return f"{self._failures} dask workers in a row ended while they started{told}"


def _origin(error: BaseException | None) -> BaseException | None:
    """Return what an error goes back to; dask's own says little more than that a worker failed."""
    while error is not None and (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error


class QuietCluster(LocalCluster):  # type: ignore[misc]  # which is untyped
    """A local cluster that outlives workers which do not start, and goes by its own clock."""

    async def _start(self) -> None:
        keep_clocks(IOLoop.current())
        await super()._start()

    async def _correct_state_internal(self) -> None:
        with suppress(Exception):  # its nanny has counted it
            await super()._correct_state_internal()

    def replace_ended(self) -> None:
        """Start others in the place of workers whose nannies have given up; they do not return."""
        self.loop.add_callback(self._replace_ended)

    async def _replace_ended(self) -> None:
        ended = {Status.closed, Status.failed}
        names = [name for name, nanny in self.workers.items() if nanny.status in ended]
        for name in names:
            del self.workers[name]
        if names:
            await self._correct_state()


def nanny_class(starts: Starts) -> type[Any]:
    """Return dask's nanny, but for what it does to this process, and the import of `__main__`.

    A worker that dies while it starts is started again, unless that is hopeless.
    """
    aside = _Aside()

    class BareNanny(Nanny):  # type: ignore[misc]  # which is untyped
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, plugins=(OwnClock(),), **kwargs)
            # PYTHONHASHSEED, which would be set in this process.
            self.pre_spawn_env: dict[str, str] = {}
            # Older releases start another one beside, which takes the message of the first.
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
            while not starts.is_hopeless:
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
    """Keep processes that spawn meanwhile from importing `__main__`, which is pytest, again.

    Not by hiding it, as where a process starts in one call: dask's start takes a while, in a thread
    of its own. What runs as `python -m package` is not imported again, so `__main__` says it does.
    The variable that dask sets for the process to be is taken back.
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
