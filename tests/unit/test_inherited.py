"""Executors of the parent work in the forked process, or report why they do not."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import connection
from multiprocessing.pool import ThreadPool
from typing import Any

import pytest

from pytest_parwork.machine import contexts
from pytest_parwork.machine.contexts import Processes
from pytest_parwork.worker.endings import end_executors_at_exit

pytestmark = [
    pytest.mark.skipif(
        "fork" not in multiprocessing.get_all_start_methods(), reason="it cannot fork"
    ),
    pytest.mark.filterwarnings(r"ignore:.*use of fork\(\) may lead to deadlocks"),
    pytest.mark.usefixtures("keeps_helpers"),
]

#: The time limit of a forked process, in seconds.
DEADLINE = 30.0


def in_fork(function: Callable[[], object]) -> object:
    """Call a function in a forked process; return its value, or raise its exception."""
    ours, theirs = multiprocessing.Pipe()

    def send() -> None:
        end_executors_at_exit()
        try:
            theirs.send(function())
        except BaseException as error:
            theirs.send(error)

    processes = Processes("fork")
    process = processes.start(send)
    try:
        assert ours.poll(DEADLINE), "it hangs"
        result = ours.recv()
        assert connection.wait([process.sentinel], DEADLINE), "it does not end"
    finally:
        processes.end(1.0)
        ours.close()
        theirs.close()
    if isinstance(result, BaseException):
        raise result
    return result


def square(x: int) -> int:
    return x * x


class TestAThreadPoolExecutor:
    @pytest.fixture
    def executor(self) -> Iterator[ThreadPoolExecutor]:
        with ThreadPoolExecutor(1, initializer=int) as executor:
            assert executor.submit(square, 2).result() == 4
            yield executor

    def test_works(self, executor: ThreadPoolExecutor) -> None:
        assert in_fork(lambda: list(executor.map(square, range(5)))) == [0, 1, 4, 9, 16]
        assert executor.submit(square, 3).result() == 9

    def test_works_in_a_fork_of_the_fork(self, executor: ThreadPoolExecutor) -> None:
        def nested() -> object:
            return executor.submit(square, 2).result(), in_fork(
                lambda: executor.submit(square, 3).result()
            )

        assert in_fork(nested) == (4, 9)

    def test_fails_pending_calls_and_keeps_finished_ones(
        self, executor: ThreadPoolExecutor
    ) -> None:
        began, end = threading.Event(), threading.Event()

        def wait() -> bool:
            began.set()
            return end.wait(DEADLINE)

        calls: list[Future[Any]] = [executor.submit(wait), executor.submit(int)]
        began.wait(DEADLINE)
        done = Future[int]()
        done.set_result(16)

        def results() -> list[object]:
            return [*(str(call.exception(1.0)) for call in calls), done.result()]

        found = in_fork(results)
        end.set()
        assert isinstance(found, list)
        *texts, kept = found
        for text in texts:
            assert "was submitted in the process of pytest before this worker was forked" in text
            assert "Submit it in the test, or choose a backend that does not fork" in text
        assert kept == 16
        assert [call.result() for call in calls] == [True, 0]

    def test_that_is_shut_down_says_so(self, executor: ThreadPoolExecutor) -> None:
        executor.shutdown()
        with pytest.raises(RuntimeError, match="after shutdown"):
            in_fork(lambda: executor.submit(int))


@pytest.mark.parametrize("method", ["fork", "spawn"])
class TestAProcessPoolExecutor:
    @pytest.fixture
    def executor(self, method: str) -> Iterator[ProcessPoolExecutor]:
        context = multiprocessing.get_context(method)
        with ProcessPoolExecutor(1, mp_context=context, initializer=int) as executor:
            assert executor.submit(square, 2).result() == 4
            yield executor

    def test_works(self, executor: ProcessPoolExecutor) -> None:
        assert in_fork(lambda: list(executor.map(square, range(3)))) == [0, 1, 4]
        assert executor.submit(square, 3).result() == 9

    def test_is_not_touched_if_it_is_not_used(self, executor: ProcessPoolExecutor) -> None:
        assert in_fork(lambda: 5) == 5
        assert executor.submit(square, 3).result() == 9

    def test_can_be_shut_down(self, executor: ProcessPoolExecutor) -> None:
        in_fork(executor.shutdown)
        assert executor.submit(square, 3).result() == 9

    def test_that_is_shut_down_says_so(self, executor: ProcessPoolExecutor) -> None:
        executor.shutdown()
        with pytest.raises(RuntimeError, match="after shutdown"):
            in_fork(lambda: executor.submit(int))

    def test_fails_calls_that_were_submitted_before(self, executor: ProcessPoolExecutor) -> None:
        call = executor.submit(time.sleep, 0.5)
        assert "was submitted in the process of pytest" in str(
            in_fork(lambda: str(call.exception(1.0)))
        )
        assert call.result() is None


class TestAPool:
    @pytest.fixture(params=[ThreadPool, multiprocessing.get_context("fork").Pool])
    def pool(self, request: pytest.FixtureRequest) -> Iterator[Any]:
        with request.param(1) as pool:
            assert pool.apply(square, (2,)) == 4
            yield pool
            pool.close()
            pool.join()

    def test_works(self, pool: Any) -> None:
        assert in_fork(lambda: pool.map(square, range(3))) == [0, 1, 4]
        assert in_fork(lambda: list(pool.imap(square, range(3)))) == [0, 1, 4]
        assert pool.apply(square, (3,)) == 9

    def test_can_be_terminated(self, pool: Any) -> None:
        def end() -> None:
            with pool:
                pool.apply(square, (3,))
            pool.join()

        def end_unused() -> None:
            pool.close()
            pool.terminate()
            pool.join()

        in_fork(end)
        in_fork(end_unused)
        assert pool.apply(square, (3,)) == 9

    def test_fails_calls_that_were_submitted_before(self, pool: Any) -> None:
        calls = [pool.apply_async(time.sleep, (0.5,)), pool.map_async(square, range(3))]
        items = pool.imap(square, range(3))

        def results() -> list[str]:
            found = []
            for get in (calls[0].get, calls[1].get, items.next):
                with pytest.raises(Exception, match="before this worker was forked") as info:
                    get(1.0)
                found.append(info.typename)
            return [*found, *map(str, items)]

        assert in_fork(results) == ["BrokenExecutor"] * 3
        assert list(items) == calls[1].get() == [0, 1, 4]

    def test_that_is_closed_says_so(self, pool: Any) -> None:
        pool.close()
        with pytest.raises(ValueError, match="Pool not running"):
            in_fork(lambda: pool.apply(int))


class TestAnEventLoop:
    @pytest.fixture
    def loop(self) -> Iterator[asyncio.AbstractEventLoop]:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        yield loop
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def test_of_another_thread_says_that_it_cannot_be_used(
        self, loop: asyncio.AbstractEventLoop
    ) -> None:
        async def answer() -> int:
            return 42

        def ask() -> object:
            coroutine = answer()
            try:
                return asyncio.run_coroutine_threadsafe(coroutine, loop).result(1.0)
            finally:
                coroutine.close()

        assert ask() == 42
        with pytest.raises(RuntimeError, match="runs in a thread of the process of pytest"):
            in_fork(ask)
        assert in_fork(lambda: asyncio.run(answer())) == 42
        assert ask() == 42


def test_loky_restarts_for_joblib() -> None:
    joblib = pytest.importorskip("joblib")
    from joblib.externals.loky import get_reusable_executor

    def squares() -> object:
        return joblib.Parallel(n_jobs=2)(joblib.delayed(square)(x) for x in range(3))

    assert squares() == [0, 1, 4]
    executor = get_reusable_executor(reuse=True)
    try:
        assert in_fork(squares) == [0, 1, 4]
        assert in_fork(lambda: executor.submit(square, 3).result()) == 9
        assert get_reusable_executor(reuse=True) is executor
        assert squares() == [0, 1, 4]
        with joblib.Parallel(n_jobs=2) as parallel:
            tasks = [joblib.delayed(square)(x) for x in range(3)]
            assert parallel(tasks) == [0, 1, 4]
            assert in_fork(lambda: parallel(tasks)) == [0, 1, 4]
            assert parallel(tasks) == [0, 1, 4]
    finally:
        get_reusable_executor(reuse=True).shutdown(kill_workers=True)


def test_dask_computes_with_threads_again(monkeypatch: pytest.MonkeyPatch) -> None:
    dask = pytest.importorskip("dask")
    threaded = pytest.importorskip("dask.threaded")
    monkeypatch.setattr(threaded, "default_pool", None)

    def squares() -> object:
        return dask.compute([dask.delayed(square)(x) for x in range(3)], scheduler="threads")[0]

    assert squares() == [0, 1, 4]
    assert in_fork(squares) == [0, 1, 4]
    threaded.default_pool.shutdown()


def test_dask_computes_without_a_client_that_is_the_default() -> None:
    dask = pytest.importorskip("dask")
    distributed = pytest.importorskip("distributed")

    def squares() -> object:
        return dask.compute([dask.delayed(square)(x) for x in range(3)])[0]

    def squares_by_client() -> object:
        return client.gather(client.map(square, range(3)))

    with distributed.Client(
        processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0"
    ) as client:
        assert squares() == [0, 1, 4]
        assert in_fork(squares) == [0, 1, 4]
        with pytest.raises(ValueError, match=r"No (global )?client"):
            in_fork(distributed.get_client)
        with pytest.raises(Exception, match=r"[Cc]losed"):
            in_fork(squares_by_client)
        assert distributed.get_client() is client
        assert squares() == squares_by_client() == [0, 1, 4]


def test_gnu_openmp_restarts_with_the_same_number_of_threads() -> None:
    cluster = pytest.importorskip("sklearn.cluster")
    threadpoolctl = pytest.importorskip("threadpoolctl")
    import numpy as np

    points = np.random.default_rng(0).random((2000, 3))

    def inertia() -> float:
        found = cluster.KMeans(4, n_init=1, random_state=0).fit(points).inertia_
        return float(found)

    def threads() -> list[int]:
        info = threadpoolctl.threadpool_info()
        return [each["num_threads"] for each in info if each["internal_api"] == "openmp"]

    with threadpoolctl.threadpool_limits(2, user_api="openmp"):
        expected = inertia()
        assert threads() == in_fork(threads)
        assert in_fork(inertia) == expected
        assert inertia() == expected


class Cycle:
    """An object that only the garbage collector frees."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def nothing_frozen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let nothing be frozen, nor have been: what conftest.py has frozen is so again afterwards."""
    monkeypatch.setattr(contexts, "_has_frozen", threading.Event())
    gc.unfreeze()
    yield
    gc.freeze()


def test_a_young_collection_passes_over_what_the_parent_has_made(nothing_frozen: None) -> None:
    kept = Cycle()

    def is_young_or_frozen() -> tuple[bool, bool]:
        young = [each for level in (0, 1) for each in gc.get_objects(generation=level)]
        return any(each is kept for each in young), gc.get_freeze_count() > 0

    assert in_fork(is_young_or_frozen) == (False, False)


def test_garbage_of_the_parent_is_still_collected_in_the_fork() -> None:
    left = Cycle()
    reference = weakref.ref(left)
    gc.disable()
    try:
        del left

        def is_freed() -> bool:
            gc.collect()
            return reference() is None

        assert in_fork(is_freed)
    finally:
        gc.enable()


def test_what_somebody_has_frozen_stays_frozen_in_the_fork_and_is_counted_once(
    nothing_frozen: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []
    count = gc.get_freeze_count

    def noting() -> int:
        counted.append(count())
        return counted[-1]

    monkeypatch.setattr(gc, "get_freeze_count", noting)
    in_fork(int)
    assert counted == [0]
    gc.freeze()
    for _ in range(2):
        assert in_fork(lambda: (count() > 0, len(counted))) == (True, 2)
    assert len(counted) == 2
