"""An existing dask cluster: joined once for the session, checked, queried, left."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from time import sleep
from typing import TYPE_CHECKING, Any

from ...machine.clock import now
from ...model.errors import BackendError
from ...model.version import __version__
from ...worker.network import NetworkCall
from ...worker.sites import leave
from . import asking
from .asking import WORD_DEADLINE, in_thread
from .logs import Hush, exit_code_in
from .requirements import require_distributed

if TYPE_CHECKING:
    from distributed import Client

#: Seconds that a scheduler has to answer.
PATIENCE = 10.0

#: Seconds until a cluster without any worker is given up, or one that does not answer.
WORKER_PATIENCE = 20.0

#: Seconds until a query is repeated: it may be waiting for a worker that has died meanwhile.
ANSWER = 4.0

#: Seconds that a nanny takes to start a worker again.
RESTART = 3.0

#: Seconds between two looks for a worker.
LOOK = 0.02

#: Seconds in which a client leaves.
CLOSE_DEADLINE = 2.0


def configured_address() -> str | None:
    """Return the scheduler that `Client()` would join, by dask's files and environment."""
    require_distributed()
    import dask

    address = dask.config.get("scheduler-address", None)
    return None if address is None else str(address)


class JoinedDask:
    """A client of the scheduler at `address`; TLS is as dask's configuration says."""

    def __init__(self, address: str, hush: Hush) -> None:
        self.address = address
        self._hush = hush
        self._client: Client | None = None
        self._most = 0
        self._is_small = False  # it was waited for more threads before, in vain
        self._nannies: set[str] = set()  # of dead workers, too, which the scheduler forgets
        self._asking: dict[str, threading.Thread] = {}  # by worker: its nanny may never answer

    def client(self, workers: int, *, least: int = 1) -> Client:
        """Return a connected client; its workers have the same Python and the same parwork.

        Waits for `workers` threads, as far as there were as many; if some of them do not come back
        soon, or in a new session, for the `least` that are of use.
        """
        require_distributed()  # before its loggers are silenced
        if self._client is None or self._client.status != "running":
            self.close()
            self._hush.begin()
            try:
                self._client = self._join()
            except BaseException:
                self._hush.end()
                raise
        self._wait_for_workers(workers, least)
        self._check_versions()
        self._nannies.clear()
        self._remember_nannies(WORKER_PATIENCE)
        return self._client

    def threads(self, patience: float) -> Mapping[str, int]:
        """Return the number of threads of each worker, by its address."""
        return self._ask("ncores", patience)

    def another_client(self) -> Client:
        """Return a separate client, which does not share the data that other clients have sent."""
        return self._join()

    @property
    def is_connected(self) -> bool:
        """Whether the scheduler is still connected."""
        return self._client is not None and self._client.status == "running"

    def exit_codes(self) -> Mapping[int, int | None]:
        """Return the exit codes of worker processes, as their nannies have logged them."""
        codes: dict[int, int | None] = {}
        with suppress(Exception):  # the scheduler has exited: no codes are available
            self._remember_nannies(WORD_DEADLINE)
            # Not `get_worker_logs`, which only knows the nannies of living workers.
            logs = self._ask(
                "broadcast",
                WORD_DEADLINE,
                msg={"op": "get_logs", "n": None},
                workers=list(self._nannies),
                on_error="ignore",
            )
            for lines in logs.values():
                for _, line in lines:
                    codes.update(exit_code_in(line))
        return codes

    def _remember_nannies(self, patience: float) -> None:
        known = self._ask("identity", patience)["workers"].values()
        self._nannies.update(worker["nanny"] for worker in known if worker["nanny"])

    def signs(self) -> Mapping[str, tuple[float, frozenset[str]]]:
        """Return when the scheduler last heard from each worker with a nanny, and what it runs."""
        known = self._ask("identity", ANSWER)["workers"]
        at = self._ask("processing", ANSWER, workers=None)
        return {
            address: (worker["last_seen"], frozenset(map(str, at.get(address, ()))))
            for address, worker in known.items()
            if worker["nanny"]
        }

    def look_after(self, address: str, call: NetworkCall, *, is_deaf: bool) -> None:
        """Ask a nanny to end its worker if that is stuck, without waiting for the answer."""
        before = self._asking.get(address)
        if self._client is not None and (before is None or not before.is_alive()):
            self._asking[address] = asking.end_if_stuck(
                self._client, address, call, is_deaf=is_deaf
            )

    def end_where_failed(self, keys: Sequence[str]) -> Sequence[str]:
        """End the workers in which dask itself failed to run batches: tasks have broken them.

        Their nannies do so, and start others; without a nanny, a worker stays as it is. Returns the
        addresses of the workers, as far as they are known.
        """
        if self._client is None or not self.is_connected or not keys:
            return ()
        return asking.end_where_failed(self._client, keys)

    def say_to_all(self, word: Callable[[str], None], run: str) -> None:
        """Have every worker process execute a command, without waiting for slow ones."""
        if self._client is not None and self.is_connected:
            asking.say_to_all(self._client, word, run)

    def clean_up(self, run: str) -> None:
        """Have all workers forget a run; then their nannies remove what dead ones have left."""
        if self._client is not None and self.is_connected:
            asking.say_to_all(self._client, leave, run)
            asking.say_to_nannies(self._client, self._nannies, leave, run)

    def close(self) -> None:
        """Leave the cluster."""
        if self._client is None:
            return
        in_thread(self._client.close, CLOSE_DEADLINE).join(CLOSE_DEADLINE)
        self._client = None
        self._hush.end()

    def _join(self) -> Client:
        from .clock import SteadyClient

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about versions: they are checked below
                return SteadyClient(self.address, set_as_default=False, timeout=PATIENCE)
        except (OSError, TimeoutError, ValueError) as error:
            raise BackendError(f"no dask scheduler answers at {self.address}: {error}") from error

    def _ask(self, question: str, patience: float, **settings: Any) -> Mapping[str, Any]:
        """Return the scheduler's answer to a query; it has `patience` seconds."""
        from distributed import TimeoutError

        client = self._client
        assert client is not None
        until = now() + patience
        while True:
            with suppress(TimeoutError):
                ask = getattr(client.scheduler, question)
                return dict(client.sync(ask, callback_timeout=min(ANSWER, patience), **settings))
            if now() > until:
                raise BackendError(
                    f"the dask scheduler at {self.address} does not answer within {patience:g} s"
                )

    def _wait_for_workers(self, workers: int, least: int) -> None:
        """Wait for the `least` threads, and then shortly for as many as there were.

        A nanny may restart a worker, perhaps one that a task of an earlier session has killed. A
        cluster that never has as many threads is waited for once.
        """
        began = now()
        while True:
            threads = sum(self.threads(WORKER_PATIENCE).values())
            self._most = max(self._most, threads)
            most = self._most if self._is_small else max(self._most, least)
            wanted = min(workers if now() < began + RESTART else least, most)
            is_over = now() > began + WORKER_PATIENCE
            if threads and (threads >= wanted or is_over):
                self._is_small = threads < least
                return
            if is_over:
                raise BackendError(
                    f"the dask scheduler at {self.address} has no worker; start one with: "
                    f"dask worker {self.address}"
                )
            sleep(LOOK)

    def _check_versions(self) -> None:
        """Reject workers that could not read what is sent, or would compute different results."""
        package = __package__.partition(".")[0]
        here = (f"{sys.version_info[0]}.{sys.version_info[1]}", __version__)
        for worker, found in self._versions(package).items():
            python = ".".join(found["host"]["python"].split(".")[:2])
            version = found["packages"].get(package)
            if (python, version) != here:
                there = f"pytest-parwork {version}" if version else "no pytest-parwork"
                raise BackendError(
                    f"the dask worker {worker} has Python {python} and {there}; here it is Python "
                    f"{here[0]} and pytest-parwork {here[1]}. Install there what is here: "
                    f"pip install pytest-parwork=={here[1]}"
                )

    def _versions(self, package: str) -> Mapping[str, Any]:
        """Return the versions that each worker reports, but for those that do not answer.

        These may be stopped, or busy; their nannies end them if they do not run a batch either.
        """
        asked = {"op": "versions", "packages": [package]}
        with suppress(BackendError):
            return self._ask("broadcast", ANSWER, msg=asked, on_error="ignore")
        workers = list(self.threads(WORKER_PATIENCE))
        answers: dict[str, Any] = {}

        def ask(worker: str) -> None:
            answers.update(
                self._ask("broadcast", ANSWER, msg=asked, workers=[worker], on_error="ignore")
            )

        asking = [in_thread(ask, worker) for worker in workers]
        until = now() + WORKER_PATIENCE
        while any(thread.is_alive() for thread in asking) and now() < until:
            sleep(LOOK)
        if not answers:
            raise BackendError(
                f"no dask worker of {self.address} answers within {WORKER_PATIENCE:g} s: "
                f"{', '.join(sorted(workers))}; end them"
            )
        return dict(answers)
