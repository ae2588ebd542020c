"""The clocks of dask, which go on in a process whose time a case has frozen.

A frozen clock stops dask for good: its timers never fire, and of all messages to the scheduler it
sends the first one only, then waits for a moment that does not come.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from distributed import Client, WorkerPlugin
from tornado.ioloop import IOLoop

from ...machine.clock import steady, wall

#: What dask's modules call the functions that tell the time.
_CLOCKS: Mapping[str, Callable[[], float]] = {"monotonic": steady, "time": wall}


def keep_clocks(loop: Any) -> None:
    """Have dask's modules in this process and its event loop read clocks of their own."""
    if vars(loop).get("time") is wall:
        return
    for name, module in list(sys.modules.items()):
        if name.startswith("distributed."):
            for clock, function in _CLOCKS.items():
                if callable(getattr(module, clock, None)):  # else it is the module `time`
                    setattr(module, clock, function)
    loop.time = wall
    loop.asyncio_loop.time = steady


class OwnClock(WorkerPlugin):  # type: ignore[misc]  # which is untyped
    """Keeps the clocks of a worker, from its start on."""

    name = "parwork-clock"

    def setup(self, worker: Any) -> None:
        """Keep them."""
        keep_clocks(worker.loop)


class SteadyClient(Client):  # type: ignore[misc]  # which is untyped
    """A client that goes by its own clocks, from its first message on."""

    async def _start(self, *args: Any, **kwargs: Any) -> Any:
        keep_clocks(IOLoop.current())
        return await super()._start(*args, **kwargs)
