"""joblib's backend `dask` on a cluster that is joined, whose workers serve others too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, cast

from ...model.errors import BackendError
from ...model.work import Batch
from ...worker.calling import BatchCall
from ...worker.network import NetworkCall
from ..dask.adapter import AGAIN
from ..dask.contact import Contact
from ..dask.joined import WORKER_PATIENCE, JoinedDask
from ..dask.lookout import Lookout
from ..dask.senders import announce, leave_with_sender
from ..parts import EventQueue
from ..protocol import UNKNOWN, Event
from .on_dask import GRACE, DaskWorkers, on_cluster


class PreparingCall:
    """A call that prepares the worker of a joined cluster before each batch."""

    def __init__(self, call: NetworkCall) -> None:
        self._call = call

    def __call__(self, batch: Batch, /) -> object:
        from distributed import get_worker

        from ..dask.preparing import end_if_broken, prepare

        worker = get_worker()
        prepare(worker)
        try:
            leave_with_sender(worker, self._call)
            return self._call(batch, place=worker.address)
        except Exception:
            end_if_broken(worker)
            raise


class OnJoinedDask(DaskWorkers):
    """Threads of the workers of a cluster that serves others too."""

    def __init__(self, workers: int, joined: JoinedDask) -> None:
        super().__init__(workers)
        self._joined = joined
        self._contact = Contact(joined)
        self._call: BatchCall | None = None
        self._lookout: Lookout | None = None
        self._announced: Any = None
        self._open: dict[int, Batch] = {}
        self._again = 0
        self.size = min(workers, self._threads())

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        self._call = network = cast("NetworkCall", call)
        self._lookout = Lookout(self._joined, network)
        if self._announced is None:  # not by the client of one call of Parallel, which may end
            self._announced = announce(self._session, network.run)
        self._open = {batch.number: batch for batch in batches}
        self._again = 0
        super().submit(call, batches)

    def poll(self, timeout: float, /) -> Sequence[Event]:
        if reason := self._contact.complaint():
            return [Event(kind="gone", reason=reason)]
        events = self._noted(super().poll(timeout))
        if self._lookout is not None:
            self._lookout.look(list(self._futures))  # another thread adds to them
        return events

    def _noted(self, events: Sequence[Event]) -> Sequence[Event]:
        """Return these events, and forget the batches that are done."""
        for event in events:
            if event.kind == "done" and event.batch is not None:
                self._open.pop(event.batch, None)
                self._again = 0
                self._contact.note()
        return events

    def _after_failure(self) -> Sequence[Event]:
        """Submit the calls once more that dask has dropped because the data they need was lost.

        All workers that had it have died, perhaps each of another task. Under the same numbers, the
        next workers find in the journals which tasks those are.
        """
        is_dropped = all(self._client.futures[key].status != "error" for key in self._failed())
        if self._call is None or not is_dropped or self._again == AGAIN:
            return super()._after_failure()
        self._again += 1
        self._leave(GRACE)
        done = [each for each in self._noted(self._events.drain(0)) if each.kind == "done"]
        if self._open:
            try:
                super().submit(self._call, list(self._open.values()))
            except Exception as error:
                return [*done, Event(kind="gone", reason=f"{type(error).__name__}: {error}")]
        return [*done, Event(kind="starting")]

    def _threads(self) -> int:
        """Wait until workers that died are back, and return the number of threads."""
        self._session = self._joined.client(max(2, self.size), least=2)
        threads = sum(self._joined.threads(WORKER_PATIENCE).values())
        if threads < 2:
            raise BackendError(
                f"the dask cluster at {self._joined.address} has only one thread, even after "
                f"{WORKER_PATIENCE:g} s, and joblib uses no cluster for a single worker; add "
                f"workers, or use the backend dask"
            )
        return threads

    def _join(self) -> Any:
        self._threads()
        return self._joined.another_client()

    def _wait_for_a_death(self) -> Event:
        from distributed import KilledWorker

        # What a call raises, joblib returns as its result; so this is an error of dask.
        futures = {key: self._client.futures[key] for key in self._failed()}
        unrun = [
            key
            for key, each in futures.items()
            if each.status == "error" and not isinstance(each.exception, KilledWorker)
        ]
        at = self._joined.end_where_failed(unrun)
        is_innocent = len(unrun) == len(futures)
        name = next(iter(at), "")
        return Event(kind="broken", reason=UNKNOWN, worker=name, is_innocent=is_innocent)

    def _work(self, call: BatchCall, batches: Sequence[Batch], events: EventQueue) -> None:
        super()._work(PreparingCall(cast("NetworkCall", call)), batches, events)

    def _chosen(self, call: BatchCall) -> AbstractContextManager[object]:
        return on_cluster(self._client, [call])

    def pids(self) -> Mapping[int, int | None]:
        return self._joined.exit_codes() if self._joined.is_connected else {}

    def close(self, deadline: float, /) -> list[int]:
        survivors = super().close(deadline)
        self._joined.clean_up(self._run)
        self._announced = None
        return survivors
