"""Processes that tasks fork do not delay a run, nor change the results of other tasks."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import parwork_faults as faults
import pytest
from support.carrier import JOINED, Carrier, calls

from pytest_parwork.model.outcome import Outcome
from pytest_parwork.model.work import Task

#: Those with workers that are processes of this machine, by other means than daemonic ones.
NAMES = ["processes:fork", "processes:spawn", "multiprocessing:fork", "isolated:fork", "joblib"]

#: Seconds within which the runner learns of a death: far less than the children live.
SOON = 30.0


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """Name each backend in turn."""
    assert isinstance(request.param, str)
    return request.param


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Path]:
    """Give the file in which a daemon writes its process id, and end it."""
    note = tmp_path / "daemon"
    yield note
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int(note.read_text()), signal.SIGKILL)


def among_innocents(guilty: Task) -> list[Task]:
    tasks = calls(faults.innocent, *((x,) for x in range(12)))
    tasks[7] = guilty
    return tasks


def check(outcomes: list[Outcome], words: str) -> None:
    lost = outcomes.pop(7).lost
    assert lost is not None
    assert lost.reason == "crash"
    assert words in lost.detail
    assert [outcome.value for outcome in outcomes] == [x * x for x in range(12) if x != 7]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (faults.forks_a_sleeper_and_exits, "exit code 1"),
        (faults.starts_a_process_and_is_killed, "SIGKILL"),
        (faults.leaves_another_group_and_exits, "exit code 1"),
    ],
)
def test_a_death_is_noticed_though_a_child_of_the_dead_worker_lives(
    carrier: Carrier, fault: faults.Fault, words: str
) -> None:
    if carrier.name == "multiprocessing:fork" and fault is faults.starts_a_process_and_is_killed:
        pytest.skip("the workers of a Pool may not have children of their own")
    began = time.monotonic()
    run = carrier(among_innocents(Task(id="guilty", function=fault, timeout=50)))
    assert time.monotonic() - began < SOON
    check(list(run.outcomes), words)


def test_a_death_is_noticed_though_a_daemon_of_the_dead_worker_lives(
    carrier: Carrier, daemon: Path
) -> None:
    guilty = Task(id="guilty", function=faults.leaves_a_daemon_and_exits, args=(str(daemon),))
    began = time.monotonic()
    run = carrier(among_innocents(guilty))
    assert time.monotonic() - began < SOON
    check(list(run.outcomes), "exit code 1")


@pytest.mark.parametrize("fault", [faults.forks_and_returns_twice, faults.leaves_a_sleeper])
def test_children_of_every_task_cost_no_other_task(
    carrier: Carrier, fault: Callable[..., object]
) -> None:
    """A fork of a worker that returns, too, stores nothing; one that stays keeps no spool."""
    sleeping = (5.0,) if fault is faults.leaves_a_sleeper else ()
    run = carrier(calls(fault, *((*sleeping, x) for x in range(12))), workers=2)
    assert [outcome.value for outcome in run.outcomes] == [x * x for x in range(12)]


@pytest.mark.parametrize("name", [*NAMES, "threads", "dask", JOINED], indirect=True)
def test_a_task_that_returns_twice_gives_its_own_result_once(carrier: Carrier) -> None:
    tasks = calls(faults.innocent, *((x,) for x in range(24)))
    for n in range(3, 24, 7):
        tasks[n] = Task(id=str(n), function=faults.forks_and_returns_twice, args=(n,))
    tasks[20] = Task(id="20", function=faults.forks_and_raises_twice)
    tasks[21] = Task(id="21", function=faults.gives_what_forks, args=(21,), timeout=20)
    outcomes = list(carrier(tasks).outcomes)
    failure = outcomes.pop(20).failure
    assert failure is not None
    assert failure.text == "as it may"
    assert [outcome.value for outcome in outcomes] == [x * x for x in range(24) if x != 20]


@pytest.mark.parametrize(
    "name", ["processes:fork", "processes:spawn", "isolated:fork", "joblib"], indirect=True
)
def test_a_task_starts_processes_as_pytests_own_process_does(carrier: Carrier) -> None:
    run = carrier(calls(faults.starts_a_process, *((x,) for x in range(4))))
    assert list(run) == [0, 1, 2, 3]
