"""Tasks that still run in the workers of a joined cluster when pytest has left their run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import dask
import parwork_faults as faults
import pytest
from support.carrier import JOINED, Carrier, calls, outcomes
from support.dask_programs import DaskPrograms

from pytest_parwork.backends import bundled
from pytest_parwork.machine.process_groups import state_of
from pytest_parwork.model.work import Task
from pytest_parwork.runner import Interrupted

#: Each of them waits for workers that start.
DAILY_OF_EACH = 1

#: Seconds for what is ended within one.
SOON = 20.0


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskPrograms]:
    """Give a cluster for these tests alone, whose tasks go on."""
    programs = DaskPrograms(tmp_path_factory.mktemp("dask"))
    yield programs
    programs.close()


@pytest.fixture(params=["dask", "joblib:dask"])
def carrier(request: pytest.FixtureRequest, programs: DaskPrograms) -> Iterator[Carrier]:
    carrier = Carrier(JOINED, bundled()[request.param])
    with dask.config.set({"scheduler-address": programs.address}):
        yield carrier
        carrier.close()
        carrier.backend.close()


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
