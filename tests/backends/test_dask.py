"""The local cluster of the backend `dask`: what it does not change, and what it leaves behind."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import dask
import distributed
import parwork_faults as faults
import parwork_tasks as tasks
import pytest
from distributed.nanny import WorkerProcess
from support.carrier import Carrier, Counting, calls

from pytest_parwork.backends import Backend, bundled
from pytest_parwork.backends.dask import local, logs, roster
from pytest_parwork.backends.dask.requirements import require_distributed
from pytest_parwork.machine.process_groups import state_of
from pytest_parwork.model.errors import BackendError
from pytest_parwork.model.outcome import Run
from pytest_parwork.model.work import Task
from pytest_parwork.runner import standstill

#: Seconds for a worker to start.
DEADLINE = 30.0

#: A cluster is slow, and each function asks two backends about the same.
DAILY_OF_EACH = 1

#: The same clusters; what joblib does to them has tests of its own.
SLOW = pytest.param("joblib:dask", marks=pytest.mark.sweep)

pytestmark = pytest.mark.usefixtures("keeps_helpers")  # spawn's resource tracker


@pytest.fixture(params=["dask"])
def carrier(request: pytest.FixtureRequest) -> Iterator[Carrier]:
    """Give a carrier with a cluster of its own, which ends with the test."""
    carrier = Carrier(request.param, bundled()[request.param])
    yield carrier
    carrier.close()
    carrier.backend.close()


@pytest.fixture(params=["dask"])
def shared(request: pytest.FixtureRequest, backends: Mapping[str, Backend]) -> Iterator[Carrier]:
    """Give a carrier with the cluster of all tests that leave it working."""
    carrier = Carrier(request.param, backends[request.param])
    yield carrier
    carrier.close()


def test_a_cluster_serves_run_after_run_with_as_many_workers_as_each_asks_for(
    shared: Carrier,
) -> None:
    seen: list[set[object]] = []
    for workers in (2, 3, 1, 2):
        run = shared(calls(tasks.process, *[()] * 12), workers=workers)
        assert (run.granted, run.workers_used) == (workers, workers)
        seen.append(set(run))
    assert len(set.intersection(*seen)) == 1, "one worker served all"
    assert os.getpid() not in set.union(*seen)


@pytest.mark.sweep  # a joined cluster is asked daily
def test_ten_thousand_small_tasks_are_some_dozens_of_batches(carrier: Carrier) -> None:
    backend = Counting(carrier.backend)
    carrier.backend = backend
    run = carrier.map(tasks.square, *[(x,) for x in range(10_000)])
    assert run == [x * x for x in range(10_000)]
    print(f"{backend.batches} batches in {run.wall:.2f} s")  # decides nothing: a time
    assert backend.batches < 200


def test_a_worker_of_the_cluster_imports_neither_main_nor_pytest(shared: Carrier) -> None:
    assert shared.map(tasks.main_module, ()) == [None]
    loaded = shared.map(tasks.loaded_modules, ())[0]
    assert not {"pytest", "_pytest"} & set(loaded)


@pytest.mark.sweep
def test_a_cluster_changes_nothing_here_and_leaves_nothing_and_is_made_anew_when_asked(
    carrier: Carrier,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def state() -> tuple[object, ...]:
        names = ("distributed", "distributed.nanny")
        settings = dask.config.get("distributed.scheduler.allowed-failures")
        levels = [logging.getLogger(name).level for name in names]
        return dict(os.environ), list(sys.path), sys.modules["__main__"].__spec__, settings, levels

    before = state()
    for number in range(2):
        assert carrier.map(tasks.square, (2,), (3,)) == [4, 9]
        assert state()[:-1] == before[:-1]
        with pytest.raises(ValueError, match="No clients found"):
            distributed.default_client()
        assert list(tmp_path.glob("parwork-dask-*"))
        if not number:
            carrier.map(tasks.die_by_kill, *[(x, 1) for x in range(4)])
        carrier.backend.close()
        assert list(tmp_path.iterdir()) == []
    assert state() == before
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_an_import_of_distributed_that_raises_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "distributed.py").write_text("raise RuntimeError('no attribute')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "distributed")
    with pytest.raises(BackendError, match=r"raises RuntimeError: no attribute; .* conftest\.py"):
        require_distributed()


def test_without_distributed_the_remedy_is_named(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    text = r"'dask' cannot start 2 workers: dask.distributed cannot be imported .*\[dask\]'"
    with pytest.raises(BackendError, match=text):
        carrier.map(tasks.square, (2,), (3,))


@pytest.mark.sweep  # a joined cluster is asked daily
@pytest.mark.parametrize("carrier", ["dask", "joblib:dask"], indirect=True)
def test_a_nanny_may_be_slow_to_report_how_its_worker_ended(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    emit, slow = logs.Nannies.emit, []

    def later(self: logs.Nannies, record: logging.LogRecord) -> None:
        slow.append(threading.Timer(0.9, emit, (self, record)))
        slow[-1].start()

    monkeypatch.setattr(logs.Nannies, "emit", later)
    run = carrier.map(tasks.die_by_exit, *[(x, 3) for x in range(6)])
    for timer in slow:
        timer.join()
    kinds = [outcome.kind for outcome in run.outcomes]
    assert kinds == ["value"] * 3 + ["lost"] + ["value"] * 2
    lost = run.outcomes[3].lost
    assert lost is not None
    assert "exit code 3" in lost.detail


@pytest.mark.parametrize("shared", ["dask", SLOW], indirect=True)
def test_a_worker_that_exits_with_0_is_noticed_at_once(
    shared: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not as one that has left the cluster, which it is given time to join again."""
    monkeypatch.setattr(roster, "DESERTION", 40.0)
    given = calls(abs, *((x,) for x in range(6)))
    given[3] = Task(id="guilty", function=faults.exits_with_0)
    run = shared(given)
    lost = {n: outcome.lost for n, outcome in enumerate(run.outcomes) if outcome.lost is not None}
    assert lost.keys() == {3}
    assert "exit code 0" in lost[3].detail
    assert lost[3].tries[-1].seconds < roster.DESERTION / 2


def test_a_task_that_interrupts_its_worker_does_not_end_it(shared: Carrier) -> None:
    """asyncio would end the worker: its loop runs in the main thread, which gets the signal."""
    first = shared.map(faults.interrupts_its_worker, (0.5,), (0.5,))
    second = shared.map(faults.interrupts_its_worker, (0.0,), (0.0,))
    assert len(set(first)) == 2
    assert set(second) == set(first)


def test_nothing_is_submitted_to_a_worker_that_a_task_has_broken(shared: Carrier) -> None:
    for _ in range(2):
        run = shared(calls(faults.breaks_locks, *[(x, 5) for x in range(10)]), chunksize=1)
        assert run == [x * x for x in range(10)]


def test_what_runs_in_a_worker_that_leaves_its_cluster_is_tried_again(shared: Carrier) -> None:
    function = faults.damages_its_worker_or_waits
    run = shared(calls(function, *((x, 5) for x in range(8))), chunksize=2)
    assert [outcome.value for outcome in run.outcomes] == [x * x for x in range(8)]


def test_a_worker_that_neither_stores_an_outcome_nor_gives_a_sign_is_ended(
    shared: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(standstill.LOOKS, standstill.DEAF, 20)
    function = faults.blocks_its_worker_and_is_never_stored
    run = shared(calls(function, *((x, 3) for x in range(8))))
    lost = {n: outcome.lost for n, outcome in enumerate(run.outcomes) if outcome.lost is not None}
    assert lost.keys() == {3}
    assert "no longer responded, and was ended) while it ran this task, twice" in lost[3].detail


def limited(tasks: list[Task], timeout: float = 2.0) -> list[Task]:
    return [replace(task, timeout=timeout) for task in tasks]


def lost(run: Run) -> dict[int, str]:
    """Return why each lost task is."""
    return {n: one.lost.reason for n, one in enumerate(run.outcomes) if one.lost is not None}


BOTH = pytest.mark.parametrize("carrier", ["dask", SLOW], indirect=True)


@pytest.mark.sweep  # a joined cluster is asked daily
@BOTH
@pytest.mark.parametrize("timeout", [2.0, None])
def test_only_the_task_that_stops_its_worker_is_lost(
    carrier: Carrier, timeout: float | None
) -> None:
    given = calls(faults.stops, *[(x, 3) for x in range(20)])
    run = carrier([replace(task, timeout=timeout) for task in given])
    assert lost(run) == {3: "crash" if timeout is None else "timeout"}
    details = [one.lost.detail for one in run.outcomes if one.lost is not None]
    stopped = "its worker was stopped by a signal (SIGSTOP) while it ran this task, twice"
    assert details[0] in {stopped, "timed out after 2 s"}
    assert [one.value for n, one in enumerate(run.outcomes) if n != 3] == [
        x * x for x in range(20) if x != 3
    ]


@pytest.mark.sweep
def test_a_worker_that_somebody_else_stops_costs_no_task(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[int] = []
    pids = carrier.backend.start(1).pids()
    given = limited(calls(tasks.square_later, *[(x, 0.1) for x in range(20)]), 30.0)
    timer = threading.Timer(0.5, lambda: os.kill(stopped[0], signal.SIGSTOP))
    stopped += pids
    timer.start()
    assert carrier(given, workers=2) == [x * x for x in range(20)]
    timer.join()


@pytest.mark.sweep
@BOTH
@pytest.mark.parametrize("fault", [faults.blocks_its_worker, faults.closes_its_worker])
def test_a_worker_that_no_longer_responds_is_replaced(
    carrier: Carrier, fault: Callable[[int, int], int]
) -> None:
    run = carrier(limited(calls(fault, *[(x, 3) for x in range(20)])), workers=2)
    assert run == [x * x for x in range(20)]
    assert carrier.map(tasks.square, (2,), (3,)) == [4, 9]


@pytest.mark.sweep  # a joined cluster is asked daily
@BOTH
@pytest.mark.parametrize(
    "fault",
    [faults.breaks_len, faults.breaks_pickle, faults.breaks_threads, faults.breaks_locks],
)
def test_a_task_that_breaks_the_python_of_its_worker_costs_no_other(
    carrier: Carrier, fault: Callable[[int, int], int]
) -> None:
    run = carrier(limited(calls(fault, *[(x, 3) for x in range(20)])))
    assert set(lost(run)) <= {3}
    assert carrier.map(tasks.square, (2,), (3,)) == [4, 9]


@pytest.mark.sweep  # a joined cluster is asked daily
@BOTH
@pytest.mark.parametrize("prefix", ["pytest_parwork", ""])
def test_a_worker_whose_modules_were_unloaded_costs_no_other_task(
    carrier: Carrier, prefix: str
) -> None:
    run = carrier(limited(calls(faults.unloads_modules, *[(x, 3, prefix) for x in range(20)])))
    assert lost(run) == {}


@pytest.mark.sweep  # a joined cluster is asked daily
@BOTH
def test_a_timeout_holds_where_the_clock_is_frozen(carrier: Carrier) -> None:
    run = carrier(limited(calls(faults.freezes_the_time_for_ever, *[(x, 3) for x in range(20)])))
    assert lost(run) == {3: "timeout"}


@pytest.mark.sweep  # a joined cluster is asked daily
@BOTH
def test_workers_with_a_frozen_clock_keep_working(carrier: Carrier) -> None:
    for _ in range(2):
        run = carrier(calls(faults.freezes_the_time, *[(x,) for x in range(200)]), chunksize=5)
        assert run == [x * x for x in range(200)]


@pytest.fixture
def kill_as_they_start(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """Give a function that has so many workers killed while they start; it returns their pids."""

    def kill_as_they_start(count: int) -> list[int]:
        killed: list[int] = []
        wait = WorkerProcess._wait_until_connected

        async def kill_and_wait(self: Any, *arguments: Any) -> Any:
            if len(killed) < count:
                killed.append(self.process.pid)
                os.kill(killed[-1], signal.SIGKILL)
            return await wait(self, *arguments)

        monkeypatch.setattr(WorkerProcess, "_wait_until_connected", kill_and_wait)
        return killed

    return kill_as_they_start


@BOTH
def test_a_worker_that_dies_while_it_starts_is_started_again_unless_all_do(
    carrier: Carrier, kill_as_they_start: Callable[[int], list[int]]
) -> None:
    killed = kill_as_they_start(3)
    assert carrier.map(tasks.square, *[(x,) for x in range(20)]) == [x * x for x in range(20)]
    assert len(killed) == 3
    kill_as_they_start(1000)
    run = carrier.map(tasks.die_by_kill, *[(x, 0) for x in range(2)], *[(0, 0)] * 4)
    details = {one.lost.detail for one in run.outcomes if one.lost is not None}
    assert any("dask workers in a row ended while they started" in detail for detail in details)


@pytest.mark.sweep  # a joined cluster is asked daily
def test_a_worker_whose_successor_dies_while_it_starts_costs_only_its_task(
    carrier: Carrier, kill_as_they_start: Callable[[int], list[int]]
) -> None:
    carrier.map(tasks.square, (2,), (3,))
    killed = kill_as_they_start(3)
    run = carrier.map(tasks.die_by_kill, *[(x, 3) for x in range(20)])
    assert lost(run) == {3: "crash"}
    assert carrier.map(tasks.square, (2,), (3,)) == [4, 9]
    assert len(killed) == 3


@pytest.mark.sweep  # the test of one that dies asks in a run what all do
def test_workers_that_all_die_while_they_start_are_given_up_for_the_reason(
    carrier: Carrier, kill_as_they_start: Callable[[int], list[int]]
) -> None:
    killed = kill_as_they_start(1000)
    text = r"\d+ dask workers in a row ended while they started, the last with SIGKILL \(signal 9\)"
    with pytest.raises(BackendError, match=text):
        carrier.map(tasks.square, (2,), (3,))
    assert len(killed) < 20


def cluster_here() -> distributed.LocalCluster:
    found = [c for c in distributed.LocalCluster._instances if c.status.name == "running"]
    assert len(found) == 1
    return found[0]


def knock(address: str, security: distributed.Security) -> Any:
    """Ask a server of dask who it is."""

    async def ask() -> Any:
        arguments = security.get_connection_args("client")
        async with distributed.rpc(address, timeout=20, connection_args=arguments) as server:
            return await server.identity()

    return asyncio.run(ask())


@pytest.mark.parametrize("shared", ["dask", SLOW], indirect=True)
def test_nobody_without_the_certificate_of_the_cluster_gets_in(shared: Carrier) -> None:
    assert shared.map(tasks.square, (2,), (3,)) == [4, 9]
    cluster = cluster_here()
    nannies = list(cluster.workers.values())
    doors = [cluster.scheduler.address, *(nanny.address for nanny in nannies)]
    doors += [nanny.worker_address for nanny in nannies]
    assert len(set(doors)) == 1 + 2 * len(nannies) >= 5
    for address in doors:
        assert address.startswith("tls://127.0.0.1:")
        assert knock(address, cluster.security)["type"] in {"Scheduler", "BareNanny", "Worker"}
        for other in (distributed.Security.temporary(), distributed.Security()):
            with pytest.raises((OSError, TypeError)):
                knock(address, other)
        with pytest.raises((OSError, TypeError)):
            knock(address.replace("tls:", "tcp:"), distributed.Security())


def test_the_cluster_serves_nothing_by_http(shared: Carrier) -> None:
    shared.map(tasks.square, (2,), (3,))
    cluster = cluster_here()
    before = list(cluster.workers.values())
    cluster.sync(before[0].close)
    with distributed.Client(cluster, set_as_default=False) as client:
        cluster.sync(cluster._replace_ended)  # as in the middle of a run, which does not wait
        client.wait_for_workers(len(before), DEADLINE)
    assert set(cluster.workers.values()) - set(before)
    with distributed.Client(cluster, set_as_default=False) as client:
        ports = client.run(lambda dask_worker: dask_worker.http_server.port)
    for port in (cluster.scheduler.http_server.port, *ports.values()):
        for path in ("", "health", "metrics", "info/main/workers.html", "json/counts.json"):
            with pytest.raises(HTTPError, match="404"):
                urlopen(f"http://127.0.0.1:{port}/{path}", timeout=20)


def test_without_cryptography_the_remedy_is_named(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    text = r"needs the package cryptography .*: pip install 'pytest-parwork\[dask\]'"
    with pytest.raises(BackendError, match=text):
        carrier.map(tasks.square, (2,), (3,))


def test_a_cluster_that_is_closed_while_its_workers_start_leaves_none(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []

    async def never(self: WorkerProcess, *arguments: object) -> None:
        begun.append(self.pid)
        while state_of(self.pid or 0) not in "ZX":
            await asyncio.sleep(0.01)

    monkeypatch.setattr(WorkerProcess, "_wait_until_connected", never)
    monkeypatch.setattr(local, "PATIENCE", 1.0)
    with pytest.raises(BackendError, match="did not start within 1 s"):
        carrier.map(tasks.square, (2,), (3,))
    assert len(begun) == 2
    carrier.backend.close()
    assert [pid for pid in begun if state_of(pid) not in "ZX"] == []
