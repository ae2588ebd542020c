"""The examples, run as a user runs them: the quick ones in one session."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pytest_parwork.backends.multiprocessing import METHODS

EXAMPLES = Path(__file__).parents[1] / "examples"

#: Seconds for one file: the slowest sleeps for fifteen.
DEADLINE = 50.0

#: The runs of each file: the test, with the call in it, the configuration and the number of cases.
RUNS = {
    "test_connection.py": {("test_mean", "isolated:fork-2", 4)},
    "test_dask.py": {
        ("test_mean_of_columns", "dask-2", 10),
        ("test_mean::starmap[0]", "dask-2", 100),
    },
    "test_environments.py": {
        ("test_statistics", "threads-auto", 3),
        ("test_singular_values", "threads-auto", 3),
    },
    "test_fib.py": {("test_fib", "processes-2", 35)},
    "test_fixtures.py": {
        ("test_weighted_sum", "processes-2", 8),
        ("test_weighted_sum", "joblib-2", 8),
    },
    "test_futures.py": {
        ("test_scrypt", "threads-2", 4),
        ("test_scrypt", "processes-2", 4),
    },
    "test_own_backend.py": {("test_checksum", "threadpool-2", 4)},
    "test_own_equality.py": {("test_square_of_a_rotation", "threads-2", 4)},
    "test_pebble.py": {("test_checksum", "pebble-2", 4)},
    "test_pool.py": {
        *(("test_every_method", f"multiprocessing:{method}-2", 10) for method in METHODS),
        *(
            (f"test_{name}[{backend}]::{name}[0]", f"{backend}-2", calls)
            for name, calls in [("map", 100), ("starmap", 10)]
            for backend in [f"multiprocessing:fork:{name}", f"multiprocessing:spawn:{name}"]
        ),
    },
    "test_process.py": {
        (name, f"isolated:{start}-2", cases)
        for name, cases in [("test_isolated", 3), ("test_process", 2), ("test_subclass", 3)]
        for start in ["fork", "spawn"]
    },
    "test_sleeps.py": {("test_sleep", "joblib-2", 10)},
    "test_squares.py": {
        ("test_loop", "joblib-2", 1000),
        ("test_map::map[0]", "joblib-2", 1000),
    },
}

#: Those that take five seconds of a processor, on backends that have tests of their own.
SLOW = {
    "test_dask.py",
    "test_fib.py",
    "test_futures.py",
    "test_pool.py",
    "test_process.py",
    "test_squares.py",
}

#: Runs for fifteen seconds, all of them asleep.
SLEEPING = "test_sleeps.py"

#: Libraries that an example needs and the tests do not.
LIBRARIES = {"test_pebble.py": "pebble"}


@pytest.fixture(scope="module")
def runs_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[dict[str, Any]]]:
    """Give the runs in the JSON report of an example, which must pass; each is run once."""

    @cache
    def session(*names: str) -> list[dict[str, Any]]:
        report = tmp_path_factory.mktemp("example") / "report.json"
        files = [str(EXAMPLES / name) for name in names]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *files, f"--parwork-report={report}"],
            cwd=EXAMPLES.parent,
            stdin=subprocess.DEVNULL,
            text=True,
            capture_output=True,
            timeout=DEADLINE,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        found: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["runs"]
        return found

    def runs(name: str) -> list[dict[str, Any]]:
        quick = [one for one in RUNS if one not in SLOW | {SLEEPING} and can_run(one)]
        return [
            run
            for run in session(*(quick if name in quick else [name]))
            if run["id"].startswith(f"{EXAMPLES.name}/{name}::")
        ]

    return runs


def can_run(name: str) -> bool:
    """Return whether what an example needs is installed."""
    return importlib.util.find_spec(LIBRARIES.get(name, "pytest")) is not None


def test_every_example_is_known_here() -> None:
    assert {file.name for file in EXAMPLES.glob("test_*.py")} == RUNS.keys()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.sweep] * (name in SLOW)) for name in RUNS]
)
def test_an_example_passes_with_all_values_equal(
    name: str, runs_of: Callable[[str], list[dict[str, Any]]]
) -> None:
    pytest.importorskip(LIBRARIES.get(name, "pytest"))
    runs = runs_of(name)

    assert {
        (run["id"].partition("::")[2], run["configuration"]["id"], len(run["cases"]))
        for run in runs
    } == RUNS[name]
    for run in runs:
        assert run["compared"] == "values"
        assert run["mismatches"] == []
        assert {case["verdict"] for case in run["cases"]} == {"EQUAL"}


def test_the_sleeps_are_two_at_a_time(runs_of: Callable[[str], list[dict[str, Any]]]) -> None:
    (run,) = runs_of(SLEEPING)

    print(f"speed-up {run['timing']['speedup']:.2f}, of 2.00 at most")  # decides nothing: a time
    assert run["verdict"] == "EQUAL"
    assert run["exercised"] is True
    assert len(run["cases"]) == 10
    assert run["workers_used"] == 2
    assert run["peak_overlap"] == 2
