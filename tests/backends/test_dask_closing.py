"""The end of a local dask cluster: nothing of it lives on, whatever its workers are doing."""

from __future__ import annotations

import _thread
import asyncio
import multiprocessing.popen_spawn_posix as popen
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed.nanny import WorkerProcess

from pytest_parwork.backends.dask import ending, local
from pytest_parwork.backends.dask.clusters import Clusters
from pytest_parwork.backends.dask.local import LocalDask
from pytest_parwork.backends.dask.nanny import QuietCluster
from pytest_parwork.machine.process_groups import kill_group, state_of
from pytest_parwork.model.errors import BackendError

#: Seconds in which everything has to come to its end.
DEADLINE = 30.0

#: Each of them starts a cluster.
DAILY_OF_EACH = 1

#: Seconds that the start of a slow process takes.
SLOW = 1.0

pytestmark = pytest.mark.usefixtures("keeps_helpers")  # spawn's resource tracker


class Launches:
    """The worker processes that were launched, each after `delay` seconds, and those to come."""

    def __init__(self) -> None:
        self.pids: list[int] = []
        self.begun = 0
        self.delay = 0.0
        self._loops = set(loops())

    def has_loop(self) -> bool:
        """Return whether dask still has a thread that others did not need before."""
        return not self._loops.issuperset(loops())

    def living(self) -> list[int]:
        return [pid for pid in self.pids if state_of(pid) != "Z"]


def loops() -> list[int | None]:
    return [thread.ident for thread in threading.enumerate() if thread.name == "IO loop"]


def until(is_true: Any) -> None:
    end = time.monotonic() + DEADLINE
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture
def launches(monkeypatch: pytest.MonkeyPatch) -> Launches:
    """Record all launches of processes."""
    launches = Launches()
    launch = popen.Popen._launch  # type: ignore[attr-defined]

    def slow_launch(self: Any, process: Any) -> None:
        if not process.name.startswith("Dask Worker"):
            launch(self, process)
            return
        launches.begun += 1
        time.sleep(launches.delay)
        try:
            launch(self, process)
        finally:
            launches.pids += [self.pid] if self.pid is not None else []

    monkeypatch.setattr(popen.Popen, "_launch", slow_launch)
    return launches


@pytest.fixture
def cluster() -> Iterator[LocalDask]:
    """Give a local cluster that is not open yet, and end it."""
    clusters = Clusters()
    yield clusters.local
    clusters.close()


def all_is_over(cluster: LocalDask, launches: Launches) -> None:
    """Close the cluster until it has ended, and check that every process that was begun has too."""
    cluster.close(DEADLINE)
    assert len(launches.pids) == launches.begun
    assert launches.living() == []
    until(lambda: not launches.has_loop())


def test_a_worker_whose_start_outlasts_the_end_of_its_cluster_does_not_live_on(
    cluster: LocalDask, launches: Launches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "PATIENCE", 0.2)
    launches.delay = SLOW
    with pytest.raises(BackendError, match="did not start within 0 s"):
        cluster.client(2)
    until(lambda: launches.begun == 2)
    cluster.close(0.1)
    assert launches.pids == []
    all_is_over(cluster, launches)
    assert launches.begun == 2


@pytest.mark.parametrize("how", ["gives up", "hangs"])
def test_so_it_is_where_dask_does_not_close_the_cluster(
    cluster: LocalDask, launches: Launches, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async def close(self: Any) -> None:
        if how == "gives up":
            raise KeyError("tls://127.0.0.1:41281")
        await asyncio.Event().wait()

    monkeypatch.setattr(QuietCluster, "_close", close)
    monkeypatch.setattr(local, "PATIENCE", 0.2)
    monkeypatch.setattr(ending, "DEADLINE", 0.5)
    launches.delay = SLOW
    with pytest.raises(BackendError, match="did not start within"):
        cluster.client(1)
    until(lambda: launches.begun == 1)
    all_is_over(cluster, launches)
    assert launches.begun == 1


def test_a_process_that_dask_has_no_thread_to_watch_is_ended_with_the_cluster(
    cluster: LocalDask, launches: Launches, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def start_most(self: threading.Thread) -> None:
        if self.name.endswith("watch process join"):
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", start_most)
    monkeypatch.setattr(local, "PATIENCE", 0.5)
    with pytest.raises(BackendError, match=r"a local dask cluster did not|dask workers in a row"):
        cluster.client(1)
    assert launches.living() != []
    all_is_over(cluster, launches)


def test_a_nanny_that_was_closed_while_it_waited_starts_no_worker(
    cluster: LocalDask, launches: Launches
) -> None:
    cluster.client(1)
    opened = cluster._cluster
    assert opened is not None
    (nanny,) = opened.workers.values()

    async def close_while_it_waits() -> Any:
        async with nanny._start_lock:
            waiting = nanny.instantiate()
            await nanny.close()
        return await waiting

    assert opened.sync(close_while_it_waits).name == "failed"
    assert launches.begun == 1
    all_is_over(cluster, launches)


@pytest.mark.parametrize("exception", [KeyError("worker"), OSError("fork")])
def test_a_worker_whose_start_fails_with_an_error_does_not_live_on(
    cluster: LocalDask,
    launches: Launches,
    monkeypatch: pytest.MonkeyPatch,
    exception: Exception,
) -> None:
    async def fail(self: Any, *arguments: object) -> None:
        raise exception

    monkeypatch.setattr(WorkerProcess, "_wait_until_connected", fail)
    with pytest.raises(BackendError, match="ended while they started, the last with"):
        cluster.client(1)
    assert launches.begun >= 8
    all_is_over(cluster, launches)


@pytest.mark.parametrize(
    "moment", [0.3, *(pytest.param(at / 10, marks=pytest.mark.sweep) for at in (0, 1, 2, 5, 8))]
)
@pytest.mark.parametrize(
    "change",
    ["again", *(pytest.param(change, marks=pytest.mark.sweep) for change in ("more", "fewer"))],
)
def test_a_cluster_that_is_closed_while_its_workers_change_leaves_none(
    cluster: LocalDask, launches: Launches, change: str, moment: float
) -> None:
    cluster.client(2)
    opened = cluster._cluster
    assert opened is not None
    launches.delay = 0.2
    if change == "again":
        for pid in launches.living():
            kill_group(pid)
    else:
        opened.scale(4 if change == "more" else 1)
    time.sleep(moment)
    cluster.close(0.2)
    all_is_over(cluster, launches)


def test_ctrl_c_while_a_cluster_is_closed_only_ends_the_wait(
    cluster: LocalDask, launches: Launches, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: Any, seconds: float) -> bool:
        raise KeyboardInterrupt

    cluster.client(1)
    with monkeypatch.context() as patched:
        patched.setattr(ending.Ending, "wait", interrupt)
        with pytest.raises(KeyboardInterrupt):
            cluster.close()
    until(lambda: not launches.living())
    all_is_over(cluster, launches)


#: A program that Ctrl-C ends while it starts a client.
INTERRUPTED = """
import _thread
import asyncio
from distributed import Client
from pytest_parwork.backends.dask.clusters import Clusters

async def interrupted(self, **settings):
    self.status = "connecting"
    _thread.interrupt_main()
    await asyncio.sleep(60)

if __name__ == "__main__":
    clusters = Clusters()
    clusters.local._open()
    Client._start = interrupted
    clusters.local.another_client()
"""


def test_a_client_that_ctrl_c_has_interrupted_does_not_keep_python_from_exiting(
    tmp_path: Path,
) -> None:
    """dask would wait a minute for the answer of a thread that has ended."""
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        timeout=DEADLINE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        check=False,
    )
    assert ended.returncode
    assert ended.stderr.endswith("KeyboardInterrupt\n")


def test_ctrl_c_while_a_cluster_starts_leaves_nothing_of_it(
    cluster: LocalDask, launches: Launches, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    start = QuietCluster._start

    async def interrupted(self: Any) -> None:
        _thread.interrupt_main()
        time.sleep(0.2)  # as on a busy machine: this thread goes on later than the other one
        await start(self)

    monkeypatch.setattr(QuietCluster, "_start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cluster.client(1)
    all_is_over(cluster, launches)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(QuietCluster, "_start", start)
    cluster.client(1)
    assert len(launches.living()) == 1
