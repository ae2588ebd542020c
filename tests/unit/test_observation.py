"""What an observation sees of the pools, threads and processes that a call uses."""

from __future__ import annotations

import concurrent.futures
import io
import multiprocessing
import multiprocessing.pool
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import joblib
import pytest

from pytest_parwork.machine import observation
from pytest_parwork.machine.observation import Observation
from pytest_parwork.model.observed import Observed, Pool

FORK = multiprocessing.get_context("fork")


def seen(call: Callable[[], object]) -> Observed:
    with Observation() as found:
        call()
    return found.observed


def executor(workers: int, tasks: int) -> None:
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        assert list(pool.map(abs, range(tasks))) == list(range(tasks))


def pool_of_processes(method: str) -> None:
    with FORK.Pool(2) as pool:
        found = getattr(pool, method)(abs, (range(3) if "map" in method else (1,)))
        if hasattr(found, "get"):
            found.get(timeout=20)
        list(found) if method == "imap" else None


def threads(number: int) -> None:
    begun = [threading.Thread(target=time.sleep, args=(0.001,)) for _ in range(number)]
    for thread in begun:
        thread.start()
    for thread in begun:
        thread.join()


def processes(number: int) -> None:
    begun = [FORK.Process(target=abs, args=(1,)) for _ in range(number)]
    for process in begun:
        process.start()
    for process in begun:
        process.join(20)


def parallel(backend: str, tasks: int = 6) -> None:
    calls = (joblib.delayed(abs)(n) for n in range(tasks))
    joblib.Parallel(n_jobs=2, backend=backend, batch_size=1)(calls)


@pytest.mark.parametrize(
    ("call", "pool"),
    [
        (lambda: executor(3, 5), Pool(name="ThreadPoolExecutor", workers=3, tasks=5)),
        (lambda: executor(1, 1), Pool(name="ThreadPoolExecutor", workers=1, tasks=1)),
        (lambda: pool_of_processes("map"), Pool(name="multiprocessing.Pool", workers=2, tasks=3)),
        (lambda: pool_of_processes("apply"), Pool(name="multiprocessing.Pool", workers=2, tasks=1)),
        (lambda: pool_of_processes("imap"), Pool(name="multiprocessing.Pool", workers=2, tasks=3)),
        (lambda: threads(2), Pool(name="Python threads", workers=2, tasks=2)),
        (lambda: processes(2), Pool(name="processes", workers=2, tasks=2)),
        (lambda: parallel("threading"), Pool(name="joblib's threading", workers=2, tasks=6)),
    ],
    ids=lambda given: given.name if isinstance(given, Pool) else "",
)
def test_a_pool_is_named_with_its_workers_and_tasks(call: Callable[[], object], pool: Pool) -> None:
    assert seen(call).pools == (pool,)


def test_dask_names_its_schedulers() -> None:
    dask = pytest.importorskip("dask")
    tasks = [dask.delayed(abs)(n) for n in range(4)]
    assert seen(lambda: dask.compute(*tasks, scheduler="synchronous")).pools == ()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = seen(lambda: dask.compute(*tasks, scheduler="threads", pool=pool))
    assert [(pool.name, pool.workers) for pool in found.pools] == [("dask's threads", 2)]


def test_what_is_serial_uses_no_pool() -> None:
    for call in (lambda: None, lambda: parallel("sequential")):
        found = seen(call)
        assert found.pools == ()
        assert not found.is_parallel(Observed(wall=1.0, cpu=1.0))


def test_a_pool_that_was_made_before_is_seen_too() -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        pool.submit(abs, 1).result()
        assert seen(lambda: list(pool.map(abs, range(2)))).workers == 2
        assert seen(lambda: None).pools == ()


def test_other_threads_at_work_show_in_their_cpu_time() -> None:
    def spin() -> None:
        until = time.thread_time() + 0.05
        while time.thread_time() < until:
            pass

    def native() -> None:
        working = threading.Thread(target=spin)
        start(working)
        working.join()

    start = threading.Thread.start  # as from native code: nobody sees it start
    found = seen(native)
    assert found.pools == ()
    assert found.elsewhere > 0.03
    assert found.uses_native_threads


def test_everything_is_as_before_afterwards() -> None:
    classes = (
        concurrent.futures.ThreadPoolExecutor,
        concurrent.futures.ProcessPoolExecutor,
        multiprocessing.pool.Pool,
        threading.Thread,
    )
    before = [dict(vars(cls)) for cls in classes]
    with Observation():
        assert [dict(vars(cls)) for cls in classes] != before
    assert [dict(vars(cls)) for cls in classes] == before
    with suppress(ZeroDivisionError), Observation():
        _ = 1 / 0
    assert [dict(vars(cls)) for cls in classes] == before


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux")
def test_threads_that_wait_for_a_cpu_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, a thread that spins after its work may use no CPU time meanwhile."""
    states = iter("RRS")
    tid = str(threading.get_native_id())
    monkeypatch.setattr(os, "listdir", lambda _: [tid, "7"])
    looked = []

    def opened(path: str, mode: str) -> io.BytesIO:
        looked.append(path)
        return io.BytesIO(f"7 (a) b) {next(states)} 1 2".encode())

    monkeypatch.setattr(observation, "open", opened, raising=False)
    monkeypatch.setattr(time, "process_time", lambda: 0.0)
    with Observation():
        pass
    assert looked == ["/proc/self/task/7/stat"] * 3


def test_a_thread_that_ends_meanwhile_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "listdir", lambda _: ["999999999"])
    with Observation() as found:
        pass
    assert found.observed.pools == ()
