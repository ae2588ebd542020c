"""What workers and nannies of a joined cluster are asked to do, in threads: some may not answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from time import sleep
from typing import TYPE_CHECKING, Any

from ...machine.clock import now
from ...machine.process_groups import kill_group
from ...worker import outside
from ...worker.network import NetworkCall

if TYPE_CHECKING:
    from distributed import Client

#: Seconds in which workers follow a command to all of them, and their nannies answer queries.
WORD_DEADLINE = 2.0

#: Seconds between two looks whether a worker has exited.
LOOK = 0.02


def in_thread(act: Callable[..., object], *args: Any, **settings: Any) -> threading.Thread:
    """Do something in a thread; errors do not matter."""

    def acting() -> None:
        with suppress(Exception):
            act(*args, **settings)

    thread = threading.Thread(target=acting, daemon=True)
    thread.start()
    return thread


def say_to_all(client: Client, word: Callable[[str], None], run: str) -> None:
    """Have every worker process execute a command; slow ones are not waited for."""
    in_thread(client.run, word, run, on_error="ignore").join(WORD_DEADLINE)


def say_to_nannies(
    client: Client, nannies: Collection[str], word: Callable[[str], None], run: str
) -> None:
    """Have these nannies execute a command, also those whose workers are not back yet."""
    from distributed.protocol.pickle import dumps

    message = {"op": "run", "function": dumps(word), "args": dumps((run,)), "kwargs": dumps({})}
    in_thread(
        client.sync,
        client.scheduler.broadcast,
        msg=message,
        workers=list(nannies),
        on_error="ignore",
        callback_timeout=WORD_DEADLINE,
    ).join(WORD_DEADLINE)


def end_if_stuck(
    client: Client, address: str, call: NetworkCall, *, is_deaf: bool
) -> threading.Thread:
    """Ask a nanny to end its worker if that is stuck; return the thread that asks."""
    return in_thread(
        client.run,
        end_worker_if_stuck,
        call.run,
        dict(call.timeouts),
        is_deaf,
        workers=[address],
        nanny=True,
        on_error="ignore",
    )


def end_where_failed(client: Client, keys: Sequence[str]) -> Sequence[str]:
    """Ask nannies to end the workers in which these calls failed, and wait a moment for that.

    Returns the addresses of all of these workers, if the scheduler says so in time.
    """
    failed: list[str] = []

    # A local function is sent as code: the scheduler may lack this package.
    def where_failed(dask_scheduler: Any = None) -> tuple[list[str], list[str]]:
        calls = map(dask_scheduler.tasks.get, keys)
        found = sorted({at for call in calls if call for at in call.erred_on or ()})
        known = dask_scheduler.workers
        return found, [at for at in found if at in known and known[at].nanny]

    def end() -> None:
        all_found, found = client.run_on_scheduler(where_failed)
        failed.extend(all_found)
        client.run(end_worker_at, found, workers=found, nanny=True, on_error="ignore")
        until = now() + WORD_DEADLINE  # before that, they would be sent what is submitted next
        while set(found) & set(client.ncores()) and now() < until:
            sleep(LOOK)

    in_thread(end).join(2 * WORD_DEADLINE)
    return list(failed)


def end_worker_at(addresses: Sequence[str], *, dask_worker: Any) -> None:
    """End the worker of the nanny in which this runs, if it still is one of these."""
    pid = dask_worker.pid
    if pid is not None and dask_worker.worker_address in addresses:
        kill_group(pid)


def end_worker_if_stuck(
    run: str, timeouts: Mapping[int, float], is_deaf: bool, *, dask_worker: Any
) -> bool:
    """End the worker of the nanny in which this runs, as `worker.outside` does."""
    pid = dask_worker.pid
    return pid is not None and outside.end_if_stuck(pid, run, timeouts, is_deaf=is_deaf)
