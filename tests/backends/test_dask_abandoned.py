"""Workers of a joined cluster that are stuck, seen from outside, or that pytest has left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import dask
import distributed
import parwork_faults as faults
import pytest
from support.carrier import JOINED, Carrier, calls, outcomes
from support.dask_programs import DEADLINE, DaskPrograms

from pytest_parwork import Run
from pytest_parwork.backends import bundled
from pytest_parwork.machine.process_groups import state_of
from pytest_parwork.model.work import Task
from pytest_parwork.runner import Interrupted
from pytest_parwork.worker.sites import Site

#: Each of them waits for workers that start.
DAILY_OF_EACH = 1

#: Seconds for what is ended within one.
SOON = 20.0


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskPrograms]:
    """Give a cluster for these tests alone: its workers are damaged and replaced."""
    programs = DaskPrograms(tmp_path_factory.mktemp("dask"))
    yield programs
    programs.close()


@pytest.fixture(params=["dask", "joblib:dask"])
def carrier(request: pytest.FixtureRequest, programs: DaskPrograms) -> Iterator[Carrier]:
    with distributed.Client(programs.address, set_as_default=False) as client:
        client.wait_for_workers(2, DEADLINE)  # the test before may have ended one
    carrier = Carrier(JOINED, bundled()[request.param])
    with dask.config.set({"scheduler-address": programs.address}):
        yield carrier
        carrier.close()
        carrier.backend.close()
    assert programs.journals() == []


def limited(given: Sequence[Task], timeout: float = 1.0) -> list[Task]:
    return [replace(task, timeout=timeout) for task in given]


def lost(run: Run) -> dict[int, str]:
    return {n: one.lost.detail for n, one in enumerate(run.outcomes) if one.lost is not None}


def test_a_timeout_holds_where_the_threads_of_a_worker_have_ended(carrier: Carrier) -> None:
    given = calls(faults.ends_the_threads_of_its_worker, *((x, 3) for x in range(10)))
    assert lost(carrier(limited(given), chunksize=1)) == {3: "timed out after 1 s"}


@pytest.mark.sweep
@pytest.mark.parametrize("act", ["Py_Exit", "Py_FinalizeEx"])
def test_a_task_that_finalizes_the_interpreter_costs_no_other(carrier: Carrier, act: str) -> None:
    given = calls(faults.finalizes_its_interpreter, *((x, 3, act) for x in range(10)))
    (number, detail), *others = lost(carrier(limited(given), chunksize=1)).items()
    assert (number, others) == (3, [])
    assert "timed out" in detail or "its worker" in detail


@pytest.mark.sweep
def test_only_the_task_that_stops_its_worker_is_lost(carrier: Carrier) -> None:
    assert set(lost(carrier(limited(calls(faults.stops, *((x, 3) for x in range(20))))))) == {3}


def test_what_a_task_starts_after_pytest_has_left_ends_at_once(
    carrier: Carrier, programs: DaskPrograms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    note, moment = tmp_path / "note", tmp_path / "moment"
    given = [
        *calls(faults.innocent, (1,)),
        Task(id="later", function=faults.starts_programs_later, args=(str(note), str(moment))),
    ]
    monkeypatch.setattr("pytest_parwork.runner.watch.Watch._finish", interrupt)
    with pytest.raises(Interrupted) as interrupted:
        carrier(given, chunksize=1)
    outcomes(interrupted.value.run).close()
    moment.touch()
    until = time.monotonic() + SOON
    while not note.exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    pids = [int(word) for word in note.read_text().split()]
    while left := [pid for pid in pids if state_of(pid) != "Z"] + programs.journals():
        assert time.monotonic() < until, left
        time.sleep(0.01)


#: The first case kills pytest's process; the others leave a program running in their worker.
KILLS_PYTEST = """
import os, signal, subprocess, time
import pytest

@pytest.mark.parwork(workers=2)
@pytest.mark.parametrize(("n", "pytests"), [(n, os.getpid()) for n in range(6)])
def test_it(n, pytests):
    if os.getpid() != pytests:
        subprocess.Popen(["sleep", "600"], cwd=os.environ["TMPDIR"])
        time.sleep(0.3)
        if n == 0:
            os.kill(pytests, signal.SIGKILL)
            time.sleep(1)
    return n
"""


def runs_in(programs: DaskPrograms) -> list[list[str]]:
    """Return the runs that each worker process serves."""
    with distributed.Client(programs.address, set_as_default=False) as client:
        return list(client.run(lambda: list(Site.sites)).values())


@pytest.mark.parametrize("backend", ["dask", "joblib:dask"])
def test_workers_leave_the_run_of_a_killed_pytest(
    programs: DaskPrograms, tmp_path: Path, backend: str
) -> None:
    module = tmp_path / "project" / "test_it.py"
    module.parent.mkdir()
    module.write_text(KILLS_PYTEST)
    words = ["-p", "pytest_parwork.plugin", f"--parwork-backend={backend}"]
    session = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words, module.name],
        cwd=module.parent,
        env={
            **os.environ,
            "DASK_SCHEDULER_ADDRESS": programs.address,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "TMPDIR": str(tmp_path),
        },
        capture_output=True,
        timeout=DEADLINE,
    )
    assert session.returncode == -signal.SIGKILL, session.stdout

    def left() -> list[object]:
        return [*filter(is_left, Path("/proc").glob("[0-9]*")), *programs.journals()]

    def is_left(process: Path) -> bool:
        with suppress(OSError):  # it may end while it is looked at
            program = (process / "comm").read_text(encoding="utf-8").strip()
            return program == "sleep" and (process / "cwd").readlink() == programs.folder
        return False

    until = time.monotonic() + 10
    while left() and time.monotonic() < until:
        time.sleep(0.05)
    assert left() == []
    while any(runs_in(programs)):  # the other worker may be later
        assert time.monotonic() < until
