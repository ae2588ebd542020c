"""The futures of batches on a dask cluster, and the events made from them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from time import sleep
from typing import TYPE_CHECKING

from ...model.work import Batch
from ...worker.calling import BatchCall
from ..protocol import UNKNOWN, Event

if TYPE_CHECKING:
    from distributed import Client, Future

#: The reason for a batch that dask has given up.
LOST = "dask has lost it"

#: Seconds in which the outcomes of a batch arrive, once it is known to have ended.
FETCH_DEADLINE = 10.0


class CallError(Exception):
    """Raised in a worker where our call failed, not what dask does around it; has its message."""

    @classmethod
    def of(cls, error: Exception) -> CallError:
        """Return the error of a call that raised this."""
        return cls(f"{type(error).__name__}: {error}")


def run_batch_here(call: BatchCall, batch: Batch) -> object:
    """Run a batch in a worker of the local cluster."""
    try:
        return call(batch)
    except Exception as error:
        raise CallError.of(error) from error


def first_to_end(client: Client, futures: Mapping[Future, Batch], timeout: float) -> list[Future]:
    """Wait up to `timeout` seconds for the first of `futures`; return those that have ended."""
    from distributed import CancelledError, TimeoutError, wait

    if not futures:
        sleep(timeout)
    elif timeout:  # for 0, older releases of dask leave a coroutine behind that nobody awaits
        with client.as_current(), suppress(CancelledError, TimeoutError):
            wait(list(futures), timeout=timeout, return_when="FIRST_COMPLETED")
    return [future for future in futures if future.status != "pending"]


def event_of(future: Future, batch: Batch) -> Event:
    """Return the event of a batch whose future is done.

    If dask itself failed to run it, an earlier task has broken the worker: it is innocent.
    """
    if future.status == "finished":
        return Event(kind="done", batch=batch.number)
    if future.status != "error":
        return Event(kind="broken", batch=batch.number, reason=LOST)
    from distributed import KilledWorker

    error = future.exception(timeout=FETCH_DEADLINE)
    if isinstance(error, KilledWorker):
        return Event(kind="broken", batch=batch.number, reason=UNKNOWN)
    if isinstance(error, CallError):
        return Event(kind="failed", batch=batch.number, reason=str(error))
    reason = f"{type(error).__name__}: {error}"
    return Event(kind="failed", batch=batch.number, reason=reason, is_innocent=True)


def received(future: Future, batch: Batch) -> Event | None:
    """Return the event of a batch with what its call returned; None if that is still to come."""
    if future.status != "finished":
        return event_of(future, batch)
    from distributed import CancelledError, TimeoutError

    try:
        body = future.result(timeout=FETCH_DEADLINE)
    except TimeoutError:
        return None  # the result was lost with its worker, so dask computes it again
    except CancelledError:
        return Event(kind="broken", batch=batch.number, reason=LOST)
    except Exception:
        return event_of(future, batch)
    return Event(kind="done", batch=batch.number, body=body)
