"""The workers of every backend: all in use, limited, with as few imports as possible."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from itertools import combinations

import parwork_tasks as tasks
import pytest
from support.carrier import ALIASES, CONTRACT, IN_PROCESS, JOINED, Carrier, calls, start_method_of

from pytest_parwork.backends import Backend
from pytest_parwork.machine import budget
from pytest_parwork.model.outcome import Run

#: How often a pool is made to see whether all its workers take part.
REPEATS = 5
SLOW_TO_START = {"spawn", "forkserver", "ray"}

#: The backends whose workers are started for a run and inherit nothing.
FRESH = [name for name in CONTRACT if {"spawn", "forkserver"} & set(name.split(":"))]


def start_method(name: str) -> str:
    if name.partition(":")[0] in {"isolated", "multiprocessing", "processes"}:
        return start_method_of(name)
    return {
        "serial": "none",
        "threads": "thread",
        "dask": "spawn",
        "joblib:dask": "spawn",
        "joblib:ray": "ray",
        JOINED: "dask",
        "joblib": "loky",
        "joblib:loky": "loky",
        "joblib:threading": "thread",
        "joblib:multiprocessing": start_method_of(name),
    }[name]


def held_at_once(run: Run) -> bool:
    """Return whether two workers had a task at the same time."""
    held = [
        (outcome.worker, outcome.arrived, outcome.ended)
        for outcome in run.outcomes
        if outcome.arrived is not None and outcome.ended is not None
    ]
    return any(
        worker != other and arrived <= its_end and its_arrival <= ended
        for (worker, arrived, ended), (other, its_arrival, its_end) in combinations(held, 2)
    )


@pytest.mark.parametrize("name", sorted(ALIASES))
def test_a_name_without_start_method_takes_the_default(
    name: str, backends: Mapping[str, Backend], keeps_helpers: None
) -> None:
    carrier = Carrier(name, backends[name])
    run = carrier.map(tasks.square, (1,), (2,))
    assert run == [1, 4]
    assert run.start_method == start_method(name)
    carrier.close()


def test_the_start_method_is_reported(carrier: Carrier) -> None:
    run = carrier.map(tasks.square, (1,), (2,))
    assert run.start_method == start_method(carrier.name)


def test_all_workers_of_a_cold_pool_hold_a_task_at_once(carrier: Carrier) -> None:
    repeats = 2 if start_method(carrier.name) in SLOW_TO_START else REPEATS
    for repeat in range(repeats):
        if start_method(carrier.name) == "loky" and repeat < 2:
            carrier.backend.close()  # or its workers would be warm
        run = carrier.map(tasks.square, *[(x,) for x in range(8)])
        if carrier.name == "serial":
            assert (run.granted, run.workers_used) == (1, 1)
            assert not held_at_once(run)
        else:
            assert (run.granted, run.workers_used) == (2, 2)
            assert held_at_once(run)
        assert {outcome.worker for outcome in run.outcomes} == set(range(1, run.granted + 1))


def test_waiting_for_the_others_is_not_part_of_a_task_s_duration(carrier: Carrier) -> None:
    run = carrier.map(tasks.square, *[(x,) for x in range(8)])
    for outcome in run.outcomes:
        assert outcome.seconds is not None
        assert outcome.arrived is not None
        assert outcome.started is not None
        assert outcome.seconds <= run.wall
    assert run.startup >= 0
    assert run.wall > 0


def test_the_cpu_seconds_of_a_task_are_those_of_its_work_and_not_of_its_waits(
    carrier: Carrier,
) -> None:
    burnt = carrier.map(tasks.burn, (0.1,), (0.1,))
    slept = carrier.map(time.sleep, (0.3,), (0.3,))
    for outcome in burnt.outcomes:
        assert outcome.cpu is not None
        assert outcome.cpu >= 0.1
    for outcome in slept.outcomes:
        assert outcome.cpu is not None
        assert 0 <= outcome.cpu < 0.15


def test_more_workers_than_tasks_are_not_started(carrier: Carrier) -> None:
    run = carrier(calls(tasks.square, *[(x,) for x in range(2)]), workers=8)
    assert run.granted == (1 if carrier.name == "serial" else 2)
    assert run == [0, 1]


def test_one_worker_is_enough(carrier: Carrier) -> None:
    run = carrier(calls(tasks.square, *[(x,) for x in range(5)]), workers=1)
    assert run == [0, 1, 4, 9, 16]
    assert (run.granted, run.workers_used) == (1, 1)


@pytest.mark.parametrize("count", [1, 3])
def test_a_single_worker_is_a_process_of_its_own_too(carrier: Carrier, count: int) -> None:
    run = carrier(calls(tasks.process, *[()] * count), workers=1)
    assert (run.granted, run.workers_used) == (1, 1)
    assert {pid == os.getpid() for pid in run} == {carrier.name in IN_PROCESS}


def test_native_threads_are_limited_to_a_share_of_the_cpus(carrier: Carrier) -> None:
    import numpy  # noqa: F401, because threads find what is loaded here

    run = carrier.map(tasks.native_threads, (), (), (), ())
    assert run.threads == budget.native_threads(2)
    for limits in run:
        assert set(limits) == {run.threads}


@pytest.fixture(scope="module")
def openmp(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the path of a library with a function `most`, which uses OpenMP."""
    folder = tmp_path_factory.mktemp("openmp")
    source, library = folder / "most.c", folder / "most.so"
    source.write_text("#include <omp.h>\nint most(void) { return omp_get_max_threads(); }\n")
    compiler = shutil.which("cc")
    build = [compiler or "", "-shared", "-fPIC", "-fopenmp", str(source), "-o", str(library)]
    if compiler is None or subprocess.run(build, capture_output=True, timeout=60).returncode:
        pytest.skip("there is no C compiler with OpenMP")
    return str(library)


def test_openmp_has_the_limit_in_each_worker_and_thread(carrier: Carrier, openmp: str) -> None:
    before = tasks.openmp_threads(openmp)  # threads find what is loaded here
    run = carrier.map(tasks.openmp_threads, *[(openmp,)] * 4)
    assert set(run) == {run.threads}
    assert tasks.openmp_threads(openmp) == before


@pytest.mark.parametrize("name", FRESH, indirect=True)
def test_a_worker_imports_neither_pytest_nor_numpy_for_a_bare_function(carrier: Carrier) -> None:
    loaded = carrier.map(tasks.loaded_modules, ())[0]
    assert isinstance(loaded, list)
    assert "parwork_tasks" in loaded
    assert not {"pytest", "_pytest", "numpy", "threadpoolctl"} & set(loaded)


@pytest.mark.parametrize("name", FRESH, indirect=True)
def test_a_worker_does_not_import_main_again(carrier: Carrier) -> None:
    assert carrier.map(tasks.main_module, ()) == [None]


def test_a_run_can_follow_a_run(carrier: Carrier) -> None:
    for by in range(3):
        assert carrier.map(tasks.Adder(by).add, (1,), (2,)) == [1 + by, 2 + by]
