"""`multiprocessing` with each method of the pool: it is really called, and never hangs."""

from __future__ import annotations

import inspect
import multiprocessing
import os
import sys
import threading
import time
from functools import wraps
from multiprocessing.pool import Pool
from typing import Any

import parwork_tasks as tasks
import pytest
from support.carrier import Carrier, calls, start_method_of

from pytest_parwork.backends import Event, Workers, bundled
from pytest_parwork.backends.multiprocessing import METHODS, PoolWorkers
from pytest_parwork.model.work import Batch

#: Methods that report each batch as it ends; others report all when the last one has ended.
ONE_BY_ONE = {"apply", "apply_async", "imap", "imap_unordered"}

NAMES = [name for name in bundled() if name.partition(":")[0] == "multiprocessing"]

each_method = pytest.mark.parametrize("method", METHODS)


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the methods of a pool that are called from outside of its module."""
    called: list[str] = []

    def spied(name: str) -> Any:
        method = getattr(Pool, name)

        @wraps(method)
        def spy(*args: Any, **kwargs: Any) -> Any:
            if sys._getframe(1).f_globals["__name__"] != "multiprocessing.pool":
                called.append(name)
            return method(*args, **kwargs)

        return spy

    for name in METHODS:
        monkeypatch.setattr(Pool, name, spied(name))
    return called


def number_of(batch: Batch) -> int:
    return batch.number


def fail_at_two(batch: Batch) -> int:
    if batch.number == 2:
        raise ValueError("not this one")
    return batch.number


def die_at_two(batch: Batch) -> int:
    if batch.number == 2:
        os._exit(3)
    return batch.number


def never_end(batch: Batch) -> int:
    while True:
        time.sleep(1)


def batches(*numbers: int) -> list[Batch]:
    return [Batch(number=number, tasks=(number,)) for number in numbers]


def events_of(workers: Workers, count: int) -> dict[int | None, Event]:
    """Wait until so many events are there, and return them by batch."""
    events: dict[int | None, Event] = {}
    while len(events) < count:
        events.update((event.batch, event) for event in workers.poll(0.01))
    return events


def test_the_methods_are_all_that_a_pool_has_to_call_a_function() -> None:
    takes_function = {
        name
        for name, method in inspect.getmembers(Pool, inspect.isfunction)
        if not name.startswith("_") and "func" in inspect.signature(method).parameters
    }
    assert set(METHODS) == takes_function


def test_every_start_method_goes_with_every_method() -> None:
    starts = ["", *(f":{name}" for name in multiprocessing.get_all_start_methods())]
    methods = ["", *(f":{name}" for name in METHODS)]
    assert set(NAMES) == {
        f"multiprocessing{start}{method}" for start in starts for method in methods
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_name_calls_the_method_that_it_names(name: str, called: list[str]) -> None:
    carrier = Carrier(name, bundled()[name])
    run = carrier(calls(tasks.square, *[(x,) for x in range(5)]), chunksize=1)
    assert run == [0, 1, 4, 9, 16]
    assert run.start_method == start_method_of(name)
    last = name.rpartition(":")[2]
    method = last if last in METHODS else "apply_async"
    assert called == [method] * (1 if METHODS[method].eager else 5)
    carrier.close()


@each_method
def test_a_call_that_raises_fails_its_batch_and_the_others_end(method: str) -> None:
    workers = PoolWorkers(2, "fork", method)
    workers.submit(fail_at_two, batches(1, 2, 3))
    events = events_of(workers, 3)
    workers.close(5.0)
    assert events[2].kind == "failed"
    assert events[2].reason == "ValueError: not this one"
    others = "done" if method in ONE_BY_ONE else "failed"
    assert [events[1].kind, events[3].kind] == [others, others]


@each_method
def test_nobody_waits_for_a_call_whose_worker_died(method: str) -> None:
    before = set(threading.enumerate())
    workers = PoolWorkers(2, "fork", method)
    workers.submit(die_at_two, batches(1, 2, 3))
    while 3 not in workers.pids().values():
        workers.poll(0.01)
    workers.submit(number_of, batches(4, 5))
    events: dict[int | None, Event] = {}
    while not {4, 5} <= events.keys():
        events.update(events_of(workers, 1))
    assert 2 not in events
    assert workers.close(5.0) == []
    assert set(threading.enumerate()) <= before, "a thread was left, if only a daemon"


@each_method
def test_the_end_waits_for_no_call(method: str) -> None:
    before = set(threading.enumerate())
    workers = PoolWorkers(2, "fork", method)
    workers.submit(never_end, batches(1, 2, 3))
    assert workers.close(5.0) == []
    assert set(threading.enumerate()) <= before, "a thread was left, if only a daemon"
