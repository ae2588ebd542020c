"""How a worker of a cluster that is joined notices that the sender of a run has exited."""

from __future__ import annotations

import asyncio
from typing import Any

from ...worker.network import NetworkCall
from ...worker.sites import Site, leave

#: Seconds between two looks for what was sent.
LOOK = 0.5

#: How many looks in a row must be in vain: a run may be sent again after a worker has lost it.
LOOKS = 3

_sent: dict[str, set[str]] = {}  # the keys of what was sent, by run


def leave_with_sender(worker: Any, call: NetworkCall) -> None:
    """Leave the run of the current task once dask has forgotten what was sent for it.

    The scheduler forgets that as soon as the connection of its client ends, also if pytest was
    killed. Nobody then releases the workers that wait for others, ends what tasks have left running
    and removes the journals. Its copies say nothing: dask moves them from worker to worker.
    """
    Site.of(call)
    task = worker.state.tasks.get(worker.get_current_task())
    keys = {each.key for each in task.dependencies} if task is not None else set()
    with Site.changing:
        is_watched = call.run in _sent
        _sent.setdefault(call.run, set()).update(keys)
    if not is_watched:
        asyncio.run_coroutine_threadsafe(_watch(worker, call.run), worker.loop.asyncio_loop)


async def _watch(worker: Any, run: str) -> None:
    looks = LOOKS
    while run in Site.sites and looks:
        await asyncio.sleep(LOOK)
        looks = LOOKS if await _is_known(worker, set(_sent[run])) else looks - 1
    _sent.pop(run)
    if run in Site.sites:
        await asyncio.get_running_loop().run_in_executor(None, leave, run)


async def _is_known(worker: Any, keys: set[str]) -> bool:
    if any(key in worker.data for key in keys):
        return True
    try:
        copies = await worker.scheduler.who_has(keys=list(keys))
    except Exception:  # nothing is known of the sender while the scheduler does not answer
        return True
    return any(copies.values())
