"""The dask cluster of a session: made on first use, grown or shrunk to what a run asks for."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from time import sleep
from typing import TYPE_CHECKING

from ...machine.clock import now
from ...machine.marks import temporary_folder
from ...machine.process_groups import state_of
from ...model.errors import BackendError
from ...worker.calling import GLANCE
from .aside import Aside
from .ending import Ending
from .logs import Hush, Nannies
from .requirements import require_distributed, require_room
from .roster import Roster
from .security import own_security
from .starts import Starts

if TYPE_CHECKING:
    from distributed import Client

    from .nanny import QuietCluster

#: A part of the name of the directory in which the processes of a cluster keep their files.
FOLDER = "dask"

#: Seconds that all workers of a local cluster have to start.
PATIENCE = 60.0

#: Seconds that a cluster has to end.
CLOSE_DEADLINE = 5.0

#: Seconds that idle workers take to end, at most.
GRACE = 0.5

#: Seconds in which a nanny reports a death that the scheduler has noticed.
HEARSAY = 1.0

#: Seconds within which several batches may be broken by one death.
RECENT = 1.0

#: Seconds between two looks at workers that start.
LOOK = 0.005

#: Keep dask from giving up on a worker: after `lost-worker-timeout` since it, or one of its
#: predecessors, has died, dask would no longer restart it if it is dead at that moment.
SETTINGS_WHILE_OPEN: Mapping[str, object] = {"distributed.deploy.lost-worker-timeout": "1000 days"}

#: Settings with which a local cluster starts, whatever dask's own configuration says.
SETTINGS: Mapping[str, object] = {
    # dask would run the batch of a dead worker again, guilty task included, three times.
    "distributed.scheduler.allowed-failures": 0,
    # dask would set OMP_NUM_THREADS=1 and others in the process that runs pytest.
    "distributed.nanny.pre-spawn-environ": {},
    "distributed.worker.multiprocessing-method": "spawn",
    # dask would serve pages by HTTP to every user of the machine.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


class LocalDask:
    """A `distributed.LocalCluster` of this process: one process a worker, one thread in each."""

    def __init__(self, hush: Hush) -> None:
        self._hush = hush
        self._cluster: QuietCluster | None = None
        self._client: Client | None = None
        self._folder = ""  # in which its processes keep their files
        self._size = 0
        self._seen: set[int] = set()
        self._while_open = ExitStack()
        self._nannies = Nannies()
        self._starts: Starts | None = None
        self._endings: list[Ending] = []  # of this cluster and of earlier ones, until they are over
        self._aside = Aside()
        self.roster = Roster(None)

    def client(self, workers: int) -> Client:
        """Return a client of the cluster, which is grown or shrunk to `workers` workers.

        Where dask fails, it is asked once more: on a busy machine its books about workers may
        disagree for a moment, seen as a KeyError with the address of one.
        """
        require_distributed()
        try:
            return self._sized(workers)
        except (BackendError, OSError):  # which would come again
            raise
        except Exception:
            return self._sized(workers)

    def _sized(self, workers: int) -> Client:
        import dask

        with dask.config.set(SETTINGS):
            if self._client is None or self._client.status != "running" or self.is_hopeless:
                self.close()
                require_room(workers)
                self._open()
            assert self._cluster is not None
            assert self._client is not None
            assert self._starts is not None
            if workers != self._size or len(self._cluster.workers) < workers:
                self._forget_batches()
                self._starts.expect(workers)
                self._cluster.scale(workers)
                self._size = workers
            self._wait_for_workers(workers)
        self._seen &= {*self.roster.living(), *self._nannies.codes}  # no code of others will come
        return self._client

    def _wait_for_workers(self, workers: int) -> None:
        """Wait until there are exactly so many; dask's own wait would accept more.

        The scheduler is not queried, because it does not answer if its thread has stopped.
        """
        until = now() + PATIENCE
        while len(self.roster.states()) != workers or self.roster.ready() != workers:
            self.roster.replace_deserters()
            if self.is_hopeless:
                raise BackendError(self.reason)
            if now() > until:
                raise BackendError(f"a local dask cluster did not start within {PATIENCE:.0f} s")
            sleep(LOOK)

    def another_client(self) -> Client:
        """Return a separate client, which does not share the data that other clients have sent."""
        from .clock import SteadyClient

        return SteadyClient(self._cluster, set_as_default=False)

    def exit_codes(self) -> Mapping[int, int | None]:
        """Return the exit code of every worker process seen so far, None while it lives."""
        self._seen.update(self.roster.living())
        return dict.fromkeys(self._seen) | self._nannies.codes

    @property
    def is_starting(self) -> bool:
        """Whether a worker that has died is being restarted."""
        is_missing = self._cluster is not None and len(self.roster.states()) < self._size
        return is_missing and now() < self._nannies.last + PATIENCE

    @property
    def is_hopeless(self) -> bool:
        """Whether workers die as soon as they are started; `reason` says why."""
        return self._starts is not None and self._starts.is_hopeless

    @property
    def reason(self) -> str:
        """Why no worker starts."""
        assert self._starts is not None
        return self._starts.reason

    def wait_for_a_death(self) -> None:
        """Wait shortly until it is known which process has died: the scheduler notices it first."""
        until = now() + HEARSAY
        while now() < until:
            codes = self.exit_codes()
            is_unknown = any(code is None and state_of(pid) == "Z" for pid, code in codes.items())
            if not is_unknown and self._nannies.last > now() - RECENT:
                return
            sleep(GLANCE)

    def close(self, deadline: float = CLOSE_DEADLINE) -> None:
        """End the cluster, if there is one, even if its workers run tasks.

        What takes longer than `deadline` seconds goes on without this thread, and the next call
        waits for it.
        """
        grace = min(deadline, GRACE)
        until = now() + grace + deadline
        if self._starts is not None:
            parts = [part for part in (self._client, self._cluster) if part is not None]
            self._endings.append(Ending(parts, self._starts, self._folder))
            self._endings[-1].begin(grace)
            del parts
            self._client = self._cluster = self._starts = None
            self.roster = Roster(None)
        for ending in list(self._endings):
            ending.begin(grace)  # if Ctrl-C came before
            if ending.wait(until - now()):
                self._endings.remove(ending)
        self._seen.clear()
        self._while_open.close()

    def _note(self, cluster: QuietCluster) -> None:
        self._cluster = cluster

    def _forget_batches(self) -> None:
        """Wait until no result is kept: dask would recompute those that are lost with a worker."""
        assert self._cluster is not None
        until = now() + GRACE
        while self._cluster.scheduler.tasks and now() < until:
            sleep(GLANCE)

    def _open(self) -> None:
        import dask

        from .clock import SteadyClient
        from .nanny import QuietCluster, nanny_class

        folder = self._folder = temporary_folder(FOLDER)
        self._starts = Starts(self._nannies)
        security = own_security(folder)
        self._while_open.enter_context(dask.config.set(SETTINGS_WHILE_OPEN))
        self._hush.begin()
        self._while_open.callback(self._hush.end)
        self._nannies.listen()
        self._while_open.callback(self._nannies.stop)
        # If Ctrl-C comes meanwhile, dask goes on in its thread until the cluster is closed.
        opening = self._while_open.enter_context(ExitStack())
        opening.enter_context(dask.config.set({"temporary-directory": folder}))
        QuietCluster(
            note=self._note,
            n_workers=0,  # they may fail to start
            threads_per_worker=1,
            worker_class=nanny_class(self._starts, SETTINGS, self._aside),
            host="127.0.0.1",
            security=security,
            dashboard_address="127.0.0.1:0",  # a server is started even without a dashboard
            scheduler_kwargs={"dashboard": False},
            memory_limit=0,  # or dask would pause and end workers by a limit of its own
            local_directory=folder,
            silence_logs=logging.CRITICAL,
        )
        opening.close()  # workers have a directory of their own
        # By now dask has put the scheduler's directory first in the import path of this process.
        sys.path[:] = [entry for entry in sys.path if not entry.startswith(folder)]
        self.roster = Roster(self._cluster)
        self._client = SteadyClient(self._cluster, set_as_default=False)
        self._size = 0
