"""Workers of a joined cluster that are stuck, though their scheduler may hear from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import dask
import parwork_faults as faults
import pytest
from support.carrier import JOINED, Carrier, calls
from support.dask_programs import DaskPrograms

from pytest_parwork import Run
from pytest_parwork.backends import bundled
from pytest_parwork.model.work import Task

#: Each of them waits for workers that start.
DAILY_OF_EACH = 1


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskPrograms]:
    """Give a cluster for these tests alone: its workers are damaged and replaced."""
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
