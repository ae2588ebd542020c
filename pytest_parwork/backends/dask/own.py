"""The workers of a run on a local dask cluster."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...machine.clock import now
from ...model.work import Batch
from ...worker.calling import BatchCall
from ..protocol import Event
from .futures import event_of, first_to_end, run_batch_here
from .local import LocalDask

if TYPE_CHECKING:
    from distributed import Future

#: Seconds in which dask reports the end of a batch that the ledger knows of.
GRACE = 0.5


class LocalWorkers:
    """The processes of the local cluster."""

    eager = False
    start_method = "spawn"

    def __init__(self, local: LocalDask, workers: int) -> None:
        self.size = workers
        self._local = local
        self._client = local.client(workers)
        self._run = uuid.uuid4().hex
        self._open: dict[Future, Batch] = {}
        codes = local.exit_codes()
        self._of_others = {pid for pid, code in codes.items() if code is not None}

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        for batch in batches:
            key = f"parwork-{self._run}-{batch.number}"
            future = self._client.submit(run_batch_here, call, batch, key=key, pure=False)
            self._open[future] = batch

    def poll(self, timeout: float, /) -> Sequence[Event]:
        ended = first_to_end(self._client, self._open, timeout)
        if any(future.status != "finished" for future in ended):
            self._local.wait_for_a_death()
            # If one worker had several batches, the first is to blame, so it is reported first.
            ended = [future for future in self._open if future.status != "pending"]
        events = [event_of(future, self._open.pop(future)) for future in ended]
        failed = {
            future.key: number
            for number, (future, event) in enumerate(zip(ended, events, strict=True))
            if event.kind == "failed"
        }
        if failed:
            for key, pid in self._local.roster.end_where_failed(failed).items():
                events[failed[key]] = replace(events[failed[key]], worker=str(pid))
        for future in ended:
            future.release()  # dask would recompute a result that it keeps if its worker died
        if not events and self._open:
            if self._local.is_hopeless:
                return [Event(kind="gone", reason=self._local.reason)]
            self._local.roster.replace_deserters()
            if self._local.is_starting:
                return [Event(kind="starting")]
        return events

    def signs(self) -> Mapping[int, float]:
        return self._local.roster.signs()

    def pids(self) -> Mapping[int, int | None]:
        codes = self._local.exit_codes()
        return {pid: code for pid, code in codes.items() if pid not in self._of_others}

    def close(self, deadline: float, /) -> list[int]:
        # The ledger may know of an end before dask reports it.
        until = now() + min(deadline, GRACE)
        while self._open and now() < until:
            self.poll(until - now())
        if self._open:  # workers are still running tasks
            self._open.clear()
            self._local.close(deadline)
        return []
