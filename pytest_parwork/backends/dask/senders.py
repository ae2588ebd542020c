"""How a worker of a cluster that is joined notices that the sender of a run has exited."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ...worker.network import NetworkCall
from ...worker.sites import Site, leave

if TYPE_CHECKING:
    from distributed import Client, Future

#: Seconds between two looks for the sender.
LOOK = 0.5

#: How many looks in a row must be in vain.
LOOKS = 3

_watched: set[str] = set()  # the runs of this process


def announce(client: Client, run: str) -> Future:
    """Return what the scheduler knows of as long as it is kept, and its client is connected.

    It is a call, whose result is computed again if it is lost with a worker. Its state may be any:
    the workers may all be busy.
    """
    return client.submit(str, run, key=_key_of(run))


def leave_with_sender(worker: Any, call: NetworkCall) -> None:
    """Leave the run of the current task once the scheduler has forgotten what its sender announced.

    It does so as soon as the connection of its client ends, also if pytest was killed. Nobody then
    releases the workers that wait for others, ends what tasks have left running and removes the
    journals.
    """
    Site.of(call)
    with Site.changing:
        is_watched = call.run in _watched
        _watched.add(call.run)
    if not is_watched:
        asyncio.run_coroutine_threadsafe(_watch(worker, call.run), worker.loop.asyncio_loop)


async def _watch(worker: Any, run: str) -> None:
    looks = LOOKS
    while looks:
        await asyncio.sleep(LOOK)
        if _has_left(run):
            return
        looks = LOOKS if await _is_known(worker, run) else looks - 1
    _watched.discard(run)
    await asyncio.get_running_loop().run_in_executor(None, leave, run)


def _has_left(run: str) -> bool:
    """Return whether this process has left a run, which then is watched no more."""
    # What a task imports may hold it for long, and would block the event loop.
    if not Site.changing.acquire(blocking=False):
        return False
    try:
        if run not in Site.sites:
            _watched.discard(run)
        return run not in Site.sites
    finally:
        Site.changing.release()


async def _is_known(worker: Any, run: str) -> bool:
    key = _key_of(run)
    try:
        states = await worker.scheduler.get_task_status(keys=[key])
    except Exception:  # nothing is known of the sender while the scheduler does not answer
        return True
    return states[key] is not None


def _key_of(run: str) -> str:
    return f"parwork-{run}-sender"
