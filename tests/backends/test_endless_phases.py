"""The limit of a task before and after its call, on every backend with processes."""

from __future__ import annotations

import os

import parwork_faults as faults
import pytest
from support.carrier import CONTRACT, IN_PROCESS, JOINED, Carrier

from pytest_parwork.model.work import Task

#: Three of its workers are ended, and others take seconds to start.
SELDOM_DAILY = ("joblib:loky",)

#: There alone, workers keep the limits themselves.
ALSO_DAILY = (JOINED,)

LIMIT = 0.5

APART = [name for name in CONTRACT if name not in IN_PROCESS]


@pytest.fixture(params=APART)
def name(request: pytest.FixtureRequest) -> str:
    """Name each backend that has processes in turn."""
    assert isinstance(request.param, str)
    return request.param


def test_code_of_arguments_and_results_that_never_ends_costs_only_its_task(
    carrier: Carrier,
) -> None:
    given = [Task(id=str(n), function=faults.innocent, args=(n,)) for n in range(20)]
    load = (faults.NeverLoaded(),)
    given[3] = Task(id="load", function=faults.innocent, args=load, timeout=LIMIT)
    given[8] = Task(id="store", function=faults.is_never_stored, timeout=LIMIT)
    delete = (os.getpid(),)
    given[13] = Task(id="delete", function=faults.NeverDeleted, args=delete, timeout=LIMIT)
    run = carrier(given, chunksize=5)
    kept = {n: outcome.value for n, outcome in enumerate(run.outcomes) if outcome.kind == "value"}
    lost = {n: one.lost.detail for n, one in enumerate(run.outcomes) if one.lost is not None}
    assert lost == dict.fromkeys((3, 8, 13), "timed out after 0.5 s")
    assert kept == {n: n * n for n in range(20) if n not in lost}
