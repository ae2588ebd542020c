"""The clocks of dask, which keep running in a process where a case has frozen the time.

A frozen clock stops dask for good: its timers never fire, and it sends only the first of all
messages to the scheduler, then waits for a time that never comes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from distributed import Client
from tornado.ioloop import IOLoop

from ...machine.clock import steady, wall

#: The names of the clock functions in dask's modules.
_CLOCKS: Mapping[str, Callable[[], float]] = {"monotonic": steady, "time": wall}


def keep_clocks(loop: Any) -> None:
    """Give dask's modules in this process, and its event loop, their own clocks."""
    if vars(loop).get("time") is wall:
        return
    for name, module in sys.modules.copy().items():
        if name.startswith("distributed."):
            for clock, function in _CLOCKS.items():
                if callable(getattr(module, clock, None)):  # else it is the module `time`
                    setattr(module, clock, function)
    loop.time = wall
    loop.asyncio_loop.time = steady


class SteadyClient(Client):  # type: ignore[misc]  # which is untyped
    """A client that uses its own clocks, from its first message on, and is closed by its owner."""

    async def _start(self, *args: Any, **kwargs: Any) -> Any:
        keep_clocks(IOLoop.current())
        return await super()._start(*args, **kwargs)

    def __del__(self) -> None:
        """Do nothing: dask would wait up to a minute for the client's thread.

        That has ended when Python exits; and if Ctrl-C has interrupted the start of the client,
        nobody has closed it before.
        """
