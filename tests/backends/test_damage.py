"""A task that damages data shared by all workers is named, and others keep their outcomes."""

from __future__ import annotations

from collections.abc import Callable

import parwork_faults as faults
import pytest
from parwork_tasks import square_later
from support.carrier import Carrier, calls

from pytest_parwork.model.work import Task

#: Those whose workers share a table with the process of pytest, which is their parent.
NAMES = [
    "processes:fork",
    "processes:spawn",
    "multiprocessing:fork",
    "multiprocessing:map",
    "isolated:fork",
    "joblib",
]

GUILTY = 7


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """Name each backend in turn."""
    assert isinstance(request.param, str)
    return request.param


def values(carrier: Carrier, guilty: Task) -> dict[int, object]:
    """Run a task among innocent ones; return the values of those that have one."""
    tasks = calls(faults.innocent, *((x,) for x in range(12)))
    tasks[GUILTY] = guilty
    outcomes = carrier(tasks).outcomes
    return {n: outcome.value for n, outcome in enumerate(outcomes) if outcome.kind == "value"}


INNOCENT = {x: x * x for x in range(12) if x != GUILTY}


@pytest.mark.parametrize(
    ("fault", "args"),
    [
        (faults.overwrites_all_tables, (0,)),
        (faults.overwrites_all_tables, (0xFF,)),
        (faults.says_that_all_is_stored, ()),
    ],
    ids=["zeros", "ones", "stored"],
)
def test_a_task_that_overwrites_the_shared_table_is_lost_and_no_other(
    carrier: Carrier, fault: Callable[..., object], args: tuple[object, ...]
) -> None:
    # Others are to be run yet when it comes: else nothing is damaged that anybody would read.
    tasks = calls(square_later, *((x, 0.03) for x in range(12)))
    tasks[GUILTY] = Task(id="guilty", function=fault, args=args)
    run = carrier(tasks)
    outcomes = run.outcomes
    found = {n: outcome.value for n, outcome in enumerate(outcomes) if outcome.kind == "value"}
    lost = outcomes[GUILTY].lost
    assert lost is not None
    assert lost.reason == "crash"
    assert lost.detail.startswith("the shared table of the run was damaged, probably by this task")
    assert found == INNOCENT


def test_no_task_can_truncate_a_file_that_pytest_reads(carrier: Carrier) -> None:
    found = values(carrier, Task(id="guilty", function=faults.cuts_all_tables))
    assert found == {**INNOCENT, GUILTY: None}


def test_a_worker_without_descriptors_costs_no_outcome_of_others(carrier: Carrier) -> None:
    found = values(carrier, Task(id="guilty", function=faults.closes_all_descriptors))
    found.pop(GUILTY, None)
    assert found == INNOCENT


@pytest.mark.parametrize("damage", [faults.has_null_for_descriptors, faults.may_open_nothing_more])
def test_a_worker_that_cannot_be_reached_any_more_costs_no_neighbour(
    damage: Callable[[], None], carrier: Carrier
) -> None:
    tasks = calls(square_later, *((x, 0.2) for x in range(6)))
    tasks[1] = Task(id="guilty", function=damage)
    outcomes = carrier(tasks, chunksize=1).outcomes
    losses = [outcome.lost for outcome in outcomes]
    assert losses == [None] * 6
    values = [outcome.value for outcome in outcomes]
    assert values == [0, None, 4, 9, 16, 25]


def test_a_task_that_replaces_pickle_in_its_worker_costs_no_neighbour(carrier: Carrier) -> None:
    run = carrier(calls(faults.breaks_pickle, *((x, 7) for x in range(12))))
    assert run == [x * x for x in range(12)]


def test_a_worker_whose_exit_a_task_replaces_ends_all_the_same(carrier: Carrier) -> None:
    run = carrier(calls(faults.replaces_exit, *((x, 3) for x in range(12))))
    assert run == [x * x for x in range(12)]


@pytest.mark.parametrize("damage", [faults.breaks_isinstance, faults.releases_all_memory])
def test_a_worker_that_a_task_has_broken_is_replaced(
    damage: Callable[[int, int], int], carrier: Carrier
) -> None:
    tasks = [Task(id=f"{x}", function=damage, args=(x, 3)) for x in range(12)]
    outcomes = carrier(tasks, chunksize=3).outcomes
    found = {n: outcome.value for n, outcome in enumerate(outcomes) if outcome.kind == "value"}
    found.pop(3, None)  # its own doing
    assert found == {x: x * x for x in range(12) if x != 3}


def test_a_result_without_room_in_a_file_is_not_sent_and_says_so(carrier: Carrier) -> None:
    tasks = calls(faults.innocent, *((x,) for x in range(12)))
    tasks[GUILTY] = Task(id="guilty", function=faults.limits_the_size_of_files)
    outcomes = carrier(tasks).outcomes
    not_sent = outcomes[GUILTY].not_sent
    assert not_sent is not None
    assert not_sent.reason == "result"
    assert "cannot be stored for pytest" in not_sent.detail
    assert "File too large" in not_sent.detail
    found = {n: outcome.value for n, outcome in enumerate(outcomes) if outcome.kind == "value"}
    assert found == INNOCENT
