"""The threads that make it unsafe to fork, by the functions that they run."""

from __future__ import annotations

import _thread
import gc
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.pool import Pool, ThreadPool
from types import FrameType, FunctionType
from typing import cast

import pytest

from pytest_parwork.machine import forking
from pytest_parwork.machine.forking import caller_of, reject_fork_with_threads, unsafe_threads
from pytest_parwork.machine.inherited import inherited
from pytest_parwork.model.errors import BackendError


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "ENDING", 0.0)


def moved(function: Callable[[], object], module: str) -> Callable[[], object]:
    """Return the function as if it were one of another module."""
    assert isinstance(function, FunctionType)
    return FunctionType(
        function.__code__, {"__name__": module}, function.__name__, None, function.__closure__
    )


@contextmanager
def alive(
    start: Callable[[Callable[[], object]], object], *, module: str = "users_code"
) -> Iterator[None]:
    """Run a function of the given module, which waits, until this block ends."""
    started, end, ended = threading.Event(), threading.Event(), threading.Event()

    def watch() -> None:
        started.set()
        end.wait()
        ended.set()

    start(moved(watch, module))
    started.wait()
    try:
        yield
    finally:
        end.set()
        ended.wait()


def in_thread(function: Callable[[], object], *, name: str = "poller") -> None:
    threading.Thread(target=function, name=name, daemon=True).start()


def until_idle(*, deadline: float = 10.0) -> str:
    """Return the threads that count, once threads that have finished their work are idle."""
    end = time.monotonic() + deadline
    while (found := unsafe_threads()) and time.monotonic() < end:
        time.sleep(0.001)
    return found


def test_without_other_threads_none_is_named() -> None:
    assert unsafe_threads() == ""
    reject_fork_with_threads()


def test_a_thread_of_the_user_is_named_with_what_it_runs() -> None:
    with alive(in_thread):
        assert unsafe_threads() == "'poller' (users_code.watch)"
        with pytest.raises(BackendError, match=r"alive: 'poller' \(users_code.watch\)\. A lock"):
            reject_fork_with_threads()


def test_daemon_threads_count_as_well() -> None:
    with alive(lambda function: threading.Thread(target=function, name="t").start()):
        assert unsafe_threads() == "'t' (users_code.watch)"


def test_a_thread_that_threading_does_not_know_counts() -> None:
    with alive(lambda function: _thread.start_new_thread(function, ())):
        assert unsafe_threads().endswith("(users_code.watch)")


@pytest.mark.parametrize("wrapper", sorted(forking.WRAPPERS))
def test_a_thread_of_the_user_counts_in_a_plugin_that_wraps_it(wrapper: str) -> None:
    def start(watch: Callable[[], object]) -> None:
        def run() -> object:
            return watch()

        in_thread(moved(run, wrapper))

    with alive(start):
        assert unsafe_threads() == "'poller' (users_code.watch)"


def test_a_thread_that_only_waits_counts() -> None:
    event = threading.Event()
    thread = threading.Thread(target=event.wait, name="waiting")
    thread.start()
    assert unsafe_threads() == "'waiting'"
    event.set()
    thread.join()


def test_many_threads_are_counted_and_a_few_are_named() -> None:
    with (
        alive(lambda function: in_thread(function, name="b")),
        alive(lambda function: in_thread(function, name="a")),
        alive(lambda function: in_thread(function, name="d")),
        alive(lambda function: in_thread(function, name="c")),
    ):
        assert unsafe_threads() == (
            "'a' (users_code.watch), 'b' (users_code.watch), 'c' (users_code.watch) and 1 more"
        )


@pytest.mark.parametrize(
    "module",
    [
        "_pydevd_bundle.pydevd_comm",
        "distributed.utils",
        "execnet.gateway_base",
        "joblib.externals.loky.process_executor",
        "multiprocessing.queues",
        "pytest_parwork.backends.joblib.adapter",
        "pytest_timeout",
    ],
)
def test_threads_that_every_session_or_backend_has_do_not_count(module: str) -> None:
    with alive(in_thread, module=module):
        assert unsafe_threads() == ""


@pytest.mark.parametrize("module", ["distributed_widgets", "pytest", "joblib2.x", "concurrent"])
def test_a_package_with_a_similar_name_counts(module: str) -> None:
    with alive(in_thread, module=module):
        assert unsafe_threads() == f"'poller' ({module}.watch)"


def test_a_timer_is_identified_by_its_function() -> None:
    def ring() -> None:
        pass

    for module, found in (("pytest_timeout", ""), ("users_code", "'timer' (users_code.ring)")):
        ring.__module__ = module
        timer = threading.Timer(3600, ring)
        timer.name = "timer"
        timer.start()
        assert unsafe_threads() == found
        timer.cancel()
        timer.join()


def test_the_threads_of_an_executor_count_while_they_are_busy() -> None:
    with ThreadPoolExecutor(1, thread_name_prefix="mine") as executor:
        with alive(executor.submit):
            assert unsafe_threads() == "'mine_0' (concurrent.futures.thread._worker)"
        executor.submit(int).result()
        assert until_idle() == ""


def test_the_executor_threads_of_dask_do_not_count() -> None:
    with ThreadPoolExecutor(1, thread_name_prefix="Dask-Offload") as executor:
        executor.submit(int).result()
        assert unsafe_threads() == ""


def test_the_threads_of_a_thread_pool_count_while_they_are_busy() -> None:
    with ThreadPool(2) as pool:
        with alive(pool.apply_async):
            assert unsafe_threads().count("(multiprocessing.pool.worker)") == 1
            assert unsafe_threads().count("'") == 2
        pool.apply(int)
        assert until_idle() == ""
        pool.close()
        pool.join()


@pytest.mark.filterwarnings(r"ignore:.*use of fork\(\) may lead to deadlocks")
def test_the_threads_of_process_pools_do_not_count() -> None:
    with Pool(1) as pool, ProcessPoolExecutor(1) as executor:
        executor.submit(int).result()
        pool.apply(int)
        assert unsafe_threads() == ""
        pool.close()
        pool.join()


def test_an_abandoned_task_does_not_count() -> None:
    def call(function: Callable[[], object]) -> None:
        def perform() -> None:
            function()

        in_thread(moved(perform, "pytest_parwork.worker.processes"))

    with alive(call):
        assert unsafe_threads() == ""


def test_a_thread_that_is_ending_gets_time_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "ENDING", 30.0)
    looks = iter([["'last' (users_code.watch)"], []])
    monkeypatch.setattr(forking, "_names", lambda: next(looks))
    assert unsafe_threads() == ""


def test_a_look_at_other_threads_keeps_no_frame_of_this_one() -> None:
    class Held:
        pass

    def look() -> weakref.ref[Held]:
        held = Held()
        unsafe_threads()
        inherited()
        return weakref.ref(held)

    gc.collect()
    gc.disable()
    try:
        assert look()() is None
    finally:
        gc.enable()


def test_the_caller_of_a_frame_is_a_frame_and_found_without_a_collection() -> None:
    class Moving:
        """A frame whose thread runs on while its caller is read."""

        @property
        def f_back(self) -> object:
            seen.append(gc.isenabled())
            return len

    seen: list[bool] = []
    assert caller_of(cast("FrameType", Moving())) is None
    assert seen == [False]
    assert gc.isenabled()
    here = sys._getframe()
    assert caller_of(here) is here.f_back
