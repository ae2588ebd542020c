"""joblib's backend `dask` on the cluster of the session, with the crash handling it lacks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from time import sleep
from typing import Any

from ...machine.clock import now
from ...machine.process_groups import kill_group
from ...model.work import Batch
from ...worker.calling import BatchCall
from ..dask.local import LocalDask
from ..protocol import UNKNOWN, Event
from .parallel import RegisteredWorkers

#: Seconds in which tasks end that run alongside one that has killed its worker.
GRACE = 0.5

#: Seconds between two checks of them.
LOOK = 0.01

#: The states of futures that will never have a result.
GIVEN_UP = {"cancelled", "error", "lost"}

#: Seconds in which a client leaves.
CLOSE_DEADLINE = 1.0


class DaskWorkers(RegisteredWorkers, ABC):
    """Workers of a dask cluster; joblib never learns that a task failed there, and keeps waiting.

    So each call of Parallel has its own client, whose futures show it.
    """

    def __init__(self, workers: int) -> None:
        super().__init__(workers, "dask")
        self._client: Any = None
        self._futures: dict[str, Any] = {}

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        self._leave(1.0)
        self._client = self._join()
        self._client.submit = self._keeping(self._client.submit)
        super().submit(call, batches)

    def _keeping(self, submit: Callable[..., Any]) -> Callable[..., Any]:
        """Keep what joblib submits, which drops a failed future as soon as it sees another result.

        Nobody would ever learn of it then.
        """

        def submit_and_keep(*args: Any, **settings: Any) -> Any:
            future = submit(*args, **settings)
            self._futures[future.key] = future
            return future

        return submit_and_keep

    def poll(self, timeout: float, /) -> Sequence[Event]:
        events = self._events.drain(timeout)
        for key, future in list(self._futures.items()):
            if future.status == "finished":
                del self._futures[key]  # the cluster keeps its result as long
        if not events and self._has_failed():
            return self._after_failure()
        return events

    def _after_failure(self) -> Sequence[Event]:
        """End the call of Parallel, as dask has given up some of its calls; return the events."""
        event = self._wait_for_a_death()
        self._leave(GRACE)
        return [event]

    def _has_failed(self) -> bool:
        return bool(self._failed())

    def _failed(self) -> list[str]:
        """Return the keys of the calls that dask has given up."""
        futures = dict(self._client.futures) if self._client is not None else {}
        return [key for key, each in futures.items() if each.status in GIVEN_UP]

    @abstractmethod
    def _wait_for_a_death(self) -> Event:
        """Wait shortly until it is known which process has died, where that can be known.

        Return the event: innocent if no batch is to blame, because earlier tasks have broken the
        workers.
        """

    @abstractmethod
    def _join(self) -> Any:
        """Return a new client."""

    def _leave(self, deadline: float) -> None:
        """End the call of Parallel and release all data that it has sent."""
        self._end_thread(deadline)
        self._futures.clear()
        if self._client is not None:
            with suppress(Exception):  # the cluster is left in any case
                self._client.close(CLOSE_DEADLINE)
            self._client = None

    def _parallel(self) -> Any:
        import joblib

        return joblib.Parallel(max(2, self.size), batch_size=1, return_as="generator_unordered")

    def close(self, deadline: float, /) -> list[int]:
        survivors = super().close(deadline)
        self._leave(deadline)
        return survivors


class OnLocalDask(DaskWorkers):
    """The processes of the local cluster."""

    def __init__(self, workers: int, local: LocalDask) -> None:
        super().__init__(workers)
        self.start_method = "spawn"
        self._local = local
        self._shared = local.client(max(2, workers))  # with one, Parallel would run all tasks here
        codes = local.exit_codes()
        self._of_others = {pid for pid, code in codes.items() if code is not None}

    def signs(self) -> Mapping[int, float]:
        return self._local.roster.signs()

    def _join(self) -> Any:
        self._shared = self._local.client(max(2, self.size))  # workers that died are back now
        return self._local.another_client()

    def _wait_for_a_death(self) -> Event:
        self._local.roster.end_where_failed(self._failed())
        self._local.wait_for_a_death()
        return Event(kind="broken", reason=UNKNOWN)  # the ledger shows which batches had arrived

    def _leave(self, deadline: float) -> None:
        # Other workers may still run this call, and would overlap with the next one. Only they are
        # asked, and only they are ended: on a busy machine an answer takes a while, and to start a
        # cluster again takes much longer.
        had_work = self._local.roster.at_work()
        super()._leave(deadline)
        until = now() + GRACE
        while busy := self._local.roster.running(self._shared, had_work):
            if now() > until:
                for address in busy:
                    self._of_others.add(had_work[address])  # it has not died of its task
                    kill_group(had_work[address])
                break
            sleep(LOOK)

    def _chosen(self, call: BatchCall) -> AbstractContextManager[object]:
        return on_cluster(self._client, [])

    def pids(self) -> Mapping[int, int | None]:
        codes = self._local.exit_codes()
        return {pid: code for pid, code in codes.items() if pid not in self._of_others}


@contextmanager
def on_cluster(client: Any, shared: list[object]) -> Iterator[None]:
    """Have `Parallel` use the cluster of `client`; objects that all tasks share are sent once."""
    import joblib

    with client.as_current(), joblib.parallel_config(backend="dask", client=client, scatter=shared):
        yield
