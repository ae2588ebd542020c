"""The workers of a local dask cluster, as their nannies and the scheduler know them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import chain
from time import sleep
from typing import TYPE_CHECKING, Any

from ...machine.clock import now
from ...machine.process_groups import kill_group, state_of
from ...worker.calling import GLANCE

if TYPE_CHECKING:
    from .nanny import QuietCluster

#: Seconds in which the scheduler notices that a worker was ended.
HEARSAY = 1.0

#: Seconds in which a living worker that has lost the scheduler reconnects, or ends.
DESERTION = 3.0

#: Seconds that a worker has to say what it runs.
ANSWER = 2.0


class Roster:
    """The workers of a cluster; without one, there are none.

    The scheduler is not queried, but for the last method, because it does not answer if its thread
    has stopped.
    """

    def __init__(self, cluster: QuietCluster | None) -> None:
        self._cluster = cluster
        self._deserters: dict[int, float] = {}  # by process id, since when they are disconnected

    def states(self) -> list[Any]:
        """Return the scheduler's states of its workers; its thread may change them meanwhile."""
        if self._cluster is None:
            return []
        while True:
            with suppress(RuntimeError):
                return list(self._cluster.scheduler.workers.values())

    def living(self) -> list[int]:
        """Return the process ids of all workers, also of those that are still starting."""
        return [pid for nanny in self._nannies() if (pid := nanny.pid) is not None]

    def started(self) -> list[tuple[int, str]]:
        """Return process id and address of each worker that has started, even if it has died."""
        return [
            (nanny.pid, nanny.worker_address)
            for nanny in self._nannies()
            if nanny.process is not None
            and nanny.process.status.name == "running"
            and nanny.pid is not None
        ]

    def ready(self) -> int:
        """Return how many can take batches, without dead ones that dask has not noticed yet."""
        known = {state.address for state in self.states()}
        return sum(address in known and state_of(pid) != "Z" for pid, address in self.started())

    def signs(self) -> Mapping[int, float]:
        """Return when each worker that has work was last heard from, by process id."""
        heard = {state.address: state.last_seen for state in self.states() if state.processing}
        at = {nanny.worker_address: nanny.pid for nanny in self._nannies()}
        return {pid: heard[address] for address, pid in at.items() if pid and address in heard}

    def at_work(self) -> Mapping[str, int]:
        """Return the process id of each worker that has work, by its address."""
        busy = {state.address for state in self.states() if state.processing}
        return {address: pid for pid, address in self.started() if address in busy}

    def replace_deserters(self) -> None:
        """Replace workers that have left the cluster, though they live or are not restarted."""
        if self._cluster is None:
            return
        known = {state.address for state in self.states()}
        before, self._deserters = self._deserters, {}
        for pid, address in self.started():
            if address not in known:
                self._deserters[pid] = before.get(pid, now())
                if now() > self._deserters[pid] + DESERTION:
                    kill_group(pid)
        self._cluster.replace_ended()

    def end_where_failed(self, keys: Iterable[str]) -> Mapping[str, int]:
        """End the workers in which batches failed, not just tasks: tasks have broken them.

        Returns their process ids by the key of the batch.
        """
        if (cluster := self._cluster) is None:
            return {}
        batches = {key: cluster.scheduler.tasks.get(key) for key in keys}
        at = {key: batch.erred_on or () for key, batch in batches.items() if batch is not None}
        broken = set(chain.from_iterable(at.values()))
        pids = {address: pid for pid, address in self.started() if address in broken}
        for pid in pids.values():
            kill_group(pid)
        until = now() + HEARSAY  # before that, the scheduler would send them what is submitted next
        while now() < until and broken & {state.address for state in self.states()}:
            sleep(GLANCE)
        return {key: pids[one] for key, addresses in at.items() for one in addresses if one in pids}

    def running(self, client: Any, addresses: Iterable[str]) -> set[str]:
        """Return which of these workers run something, or do not answer in time."""
        from distributed import TimeoutError

        if not (asked := set(addresses)):
            return asked
        try:
            stacks = client.sync(
                client.scheduler.broadcast,  # which a closed client no longer has
                msg={"op": "call_stack"},
                workers=list(asked),
                on_error="return",
                callback_timeout=ANSWER,
            )
        except TimeoutError:
            return asked
        except Exception:  # the cluster is being closed
            return set()
        return {address for address, stack in stacks.items() if stack and isinstance(stack, dict)}

    def _nannies(self) -> list[Any]:
        return list(self._cluster.workers.values()) if self._cluster is not None else []
