"""joblib's backend `dask` on the cluster of the session, with the crash handling it lacks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from time import sleep
from typing import Any

from ...machine.clock import now
from ...model.errors import BackendError
from ...model.work import Batch
from ...worker.calling import BatchCall
from ...worker.sites import forget
from ..dask.joined import WORKER_PATIENCE, JoinedDask
from ..dask.local import LocalDask
from ..protocol import UNKNOWN, Event
from .parallel import RegisteredWorkers

#: Seconds in which tasks end that run alongside one that has killed its worker.
GRACE = 0.5

#: Seconds between two checks of them.
LOOK = 0.01

#: Seconds in which a client leaves.
CLOSE_DEADLINE = 1.0


class DaskWorkers(RegisteredWorkers, ABC):
    """Workers of a dask cluster; joblib never learns that a task failed there, and keeps waiting.

    So each call of Parallel has its own client, whose futures show it.
    """

    def __init__(self, workers: int) -> None:
        super().__init__(workers, "dask")
        self._client: Any = None

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        self._leave(1.0)
        self._client = self._join()
        super().submit(call, batches)

    def poll(self, timeout: float, /) -> Sequence[Event]:
        events = self._events.drain(timeout)
        if not events and self._has_failed():
            self._wait_for_a_death()
            self._leave(GRACE)
            return [Event(kind="broken", reason=UNKNOWN)]
        return events

    def _has_failed(self) -> bool:
        return bool(self._failed())

    def _failed(self) -> list[str]:
        """Return the keys of the calls that dask has given up."""
        futures = dict(self._client.futures) if self._client is not None else {}
        return [key for key, each in futures.items() if each.status in {"cancelled", "error"}]

    def _wait_for_a_death(self) -> None:
        """Wait shortly until it is known which process has died, where that can be known."""

    @abstractmethod
    def _join(self) -> Any:
        """Return a new client."""

    def _leave(self, deadline: float) -> None:
        """End the call of Parallel and release all data that it has sent."""
        self._end_thread(deadline)
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
        self._codes: dict[int, int] = {}

    def signs(self) -> Mapping[int, float]:
        return self._local.signs()

    def _join(self) -> Any:
        self._shared = self._local.client(max(2, self.size))  # workers that died are back now
        return self._local.another_client()

    def _wait_for_a_death(self) -> None:
        for key in self._failed():
            self._local.end_where_failed(key)
        self._local.wait_for_a_death()

    def _keep_codes(self) -> None:
        """Keep the exit codes that the cluster reports before it is closed in the middle of tasks.

        Workers that end by closing have not died of their tasks.
        """
        for pid, code in self._local.exit_codes().items():
            if code is None:
                self._of_others.add(pid)
            else:
                self._codes[pid] = code

    def _leave(self, deadline: float) -> None:
        super()._leave(deadline)
        # Other workers are still running this call, and would overlap with the next one.
        until = now() + GRACE
        while self._is_busy():
            if now() > until:
                self._keep_codes()
                self._local.close()
                break
            sleep(LOOK)

    def _is_busy(self) -> bool:
        """Return whether any worker runs something, or its state is unknown."""
        from distributed import TimeoutError

        try:
            ask = self._shared.scheduler.call_stack  # which a closed client no longer has
            return bool(self._shared.sync(ask, keys=None, callback_timeout=GRACE))
        except TimeoutError:
            return True
        except Exception:  # the cluster is closed
            return False

    def _chosen(self, call: BatchCall) -> AbstractContextManager[object]:
        return _on_dask(self._client, [])

    def pids(self) -> Mapping[int, int | None]:
        codes = {**self._local.exit_codes(), **self._codes}
        return {pid: code for pid, code in codes.items() if pid not in self._of_others}


class OnJoinedDask(DaskWorkers):
    """Threads of the workers of a cluster that serves others too."""

    def __init__(self, workers: int, joined: JoinedDask) -> None:
        super().__init__(workers)
        self._joined = joined
        joined.client(max(2, workers))
        threads = sum(joined.threads(WORKER_PATIENCE).values())
        if threads < 2:
            raise BackendError(
                f"the dask cluster at {joined.address} has only one thread, and joblib uses no "
                f"cluster for a single worker; add workers, or use the backend dask"
            )
        self.size = min(workers, threads)

    def poll(self, timeout: float, /) -> Sequence[Event]:
        if not self._joined.is_connected:
            reason = f"the dask scheduler at {self._joined.address} went away"
            return [Event(kind="gone", reason=reason)]
        return super().poll(timeout)

    def _join(self) -> Any:
        self._joined.client(max(2, self.size))  # workers that died are back now
        return self._joined.another_client()

    def _chosen(self, call: BatchCall) -> AbstractContextManager[object]:
        return _on_dask(self._client, [call])

    def pids(self) -> Mapping[int, int | None]:
        return self._joined.exit_codes() if self._joined.is_connected else {}

    def close(self, deadline: float, /) -> list[int]:
        survivors = super().close(deadline)
        self._joined.say_to_all(forget, self._run)
        return survivors


@contextmanager
def _on_dask(client: Any, shared: list[object]) -> Iterator[None]:
    """Have `Parallel` use the cluster of `client`; objects that all tasks share are sent once."""
    import joblib

    with client.as_current(), joblib.parallel_config(backend="dask", client=client, scatter=shared):
        yield
