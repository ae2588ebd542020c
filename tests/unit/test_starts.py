"""Signals that come while a process is started."""

from __future__ import annotations

import gc
import multiprocessing.util
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import pytest

from pytest_parwork.backends.multiprocessing import PoolWorkers
from pytest_parwork.backends.processes import ProcessWorkers
from pytest_parwork.machine.contexts import Processes
from pytest_parwork.machine.interrupts import ENDING, Deferral
from pytest_parwork.plugin.session.termination import Termination

#: What starts a process, by backend: the owner and the name of the function.
STARTS = [
    ("processes:fork", os, "fork"),
    ("processes:spawn", multiprocessing.util, "spawnv_passfds"),
]

WORKERS: Mapping[str, Callable[[], object]] = {
    "processes": partial(ProcessWorkers, 2, "spawn"),
    "multiprocessing": partial(PoolWorkers, 2, "spawn", "map"),
}


class AskedToEndError(Exception):
    """Raised by the handlers of signals."""


@pytest.fixture(autouse=True)
def handlers() -> Iterator[Callable[..., None]]:
    def end(*_: object) -> None:
        raise AskedToEndError

    before = {number: signal.signal(number, end) for number in ENDING}
    yield end
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize(("backend", "owner", "name"), STARTS)
def test_the_process_is_known(
    monkeypatch: pytest.MonkeyPatch,
    handlers: Callable[..., None],
    backend: str,
    owner: Any,
    name: str,
    number: int,
) -> None:
    start, here = getattr(owner, name), os.getpid()

    def interrupted(*args: object) -> object:
        pid = start(*args)
        if os.getpid() == here and "resource_tracker" not in str(args):
            signal.raise_signal(number)
        return pid

    monkeypatch.setattr(owner, name, interrupted)
    processes = Processes(backend.partition(":")[2])
    with pytest.raises(AskedToEndError):
        processes.start(time.sleep, 600)
    assert list(processes.exit_codes().values()) == [None]
    assert processes.end(20) == []
    assert list(processes.exit_codes().values()) == [-signal.SIGKILL]
    assert all(signal.getsignal(each) is handlers for each in ENDING)


@pytest.mark.parametrize("number", ENDING)
def test_a_forked_process_does_not_do_the_work_of_its_parent(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    fork = os.fork

    def interrupted() -> int:
        pid = fork()
        if not pid:
            signal.raise_signal(number)
            signal.raise_signal(number)
        return pid

    monkeypatch.setattr(os, "fork", interrupted)
    processes = Processes("fork")
    processes.start(abs, -3)
    processes.wait(20)
    assert list(processes.exit_codes().values()) == [0]


def test_a_forked_process_has_the_handlers_of_its_parent(handlers: Callable[..., None]) -> None:
    def compare() -> None:
        sys.exit(any(signal.getsignal(number) is not handlers for number in ENDING))

    processes = Processes("fork")
    with Deferral():
        processes.start(compare)
    processes.wait(20)
    assert list(processes.exit_codes().values()) == [0]


def test_sigterm_ends_a_forked_process_of_a_session_that_handles_it() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    termination = Termination()
    try:
        assert callable(signal.getsignal(signal.SIGTERM))
        processes = Processes("fork")
        with Deferral():
            processes.start(lambda: sys.exit(signal.getsignal(signal.SIGTERM) != signal.SIG_DFL))
        processes.wait(20)
        assert list(processes.exit_codes().values()) == [0]
    finally:
        termination.close()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_second_signal_is_handled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    processes = Processes("fork")
    hung = []

    def hanging() -> int:
        for number in ENDING:
            signal.raise_signal(number)
            hung.append(number)
        return 0

    monkeypatch.setattr(os, "fork", hanging)
    with pytest.raises(AskedToEndError):
        processes.start(abs, -3)
    assert hung == [ENDING[0]]
    assert processes.end(0) == []


@pytest.mark.parametrize("backend", ["processes:spawn", "multiprocessing:spawn"])
def test_no_semaphore_is_left(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    here, register, seen = os.getpid(), resource_tracker.register, list[Path]()

    def interrupted(name: str, kind: str) -> None:
        if not seen and os.getpid() == here and kind == "semaphore":
            seen.append(Path(f"/dev/shm/sem.{name.removeprefix('/')}"))
            assert seen[0].exists()
            signal.raise_signal(signal.SIGINT)
        register(name, kind)

    monkeypatch.setattr(resource_tracker, "register", interrupted)
    with pytest.raises(AskedToEndError):
        WORKERS[backend.partition(":")[0]]()
    gc.collect()
    assert len(seen) == 1
    assert not seen[0].exists()
