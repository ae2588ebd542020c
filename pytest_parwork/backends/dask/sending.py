"""The transfer of a payload to the workers of a dask cluster."""

from __future__ import annotations

import asyncio
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import suppress
from typing import TYPE_CHECKING

from ...machine.clock import now

if TYPE_CHECKING:
    from concurrent.futures import Future as Attempt

    from distributed import Client, Future

#: Seconds until a payload is sent once more; twice as long with each attempt, because the network
#: may be slow.
PATIENCE = 5.0

#: Seconds that the other workers have to copy it.
COPYING = 2.0

#: Seconds that `poll` waits.
LOOK = 0.05

#: How many attempts may fail.
ATTEMPTS = 5


class Sending:
    """Send a payload to a worker, and from there to the others: dask prefers those that have it.

    Any of them may be dying or stopped. Waiting is no option: dask takes 30 s to find that it
    cannot connect to a dead worker, and waits for ever for a stopped one. So the payload is sent
    again after a while, and the first copy that arrives is used. Workers that have not copied it in
    time do without.
    """

    def __init__(self, client: Client, payload: object, worker_patience: float) -> None:
        self._client = client
        self._payload = payload
        self._worker_patience = worker_patience
        self._open: list[Attempt[Future]] = []
        self._failed = 0
        self._patience = PATIENCE
        self._send()

    def _send(self) -> None:
        loop = self._client.loop.asyncio_loop
        self._open.append(asyncio.run_coroutine_threadsafe(self._attempt(), loop))
        self._again = now() + self._patience
        self._patience *= 2

    async def _attempt(self) -> Future:
        from distributed import TimeoutError

        sent = await self._client.scatter(
            self._payload, hash=False, timeout=self._worker_patience, asynchronous=True
        )
        with suppress(TimeoutError):
            await asyncio.wait_for(self._client.replicate([sent], asynchronous=True), COPYING)
        return sent

    def poll(self) -> Future | None:
        """Wait a moment; return the payload's future once a worker has it, or None.

        Raises `distributed.TimeoutError` where there has been no worker for `worker_patience`
        seconds, and what dask raised last where too many attempts failed.
        """
        from distributed import TimeoutError

        for attempt in wait(self._open, LOOK, FIRST_COMPLETED).done:
            self._open.remove(attempt)
            error = attempt.exception()
            if error is None:
                self.cancel()
                return attempt.result()
            self._failed += 1
            if self._failed == ATTEMPTS or isinstance(error, TimeoutError):
                self.cancel()
                raise error
        if not self._open or now() > self._again:
            self._send()
        return None

    def cancel(self) -> None:
        """Give up the transfers that have not ended."""
        for attempt in self._open:
            attempt.cancel()
        self._open.clear()
