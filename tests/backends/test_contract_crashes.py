"""Workers that die, on every backend with processes: the run ends, other tasks are kept."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import parwork_tasks as tasks
import pytest
from support.carrier import ALIKE, CONTRACT, IN_PROCESS, JOINED, Carrier, reported_end

from pytest_parwork.model.errors import LostError
from pytest_parwork.model.work import Address, Task

#: Each crash ends all of its workers, and others take seconds to start. test_public_contract.py and
#: test_faults.py have one each, daily.
SELDOM_DAILY = ("joblib:loky",)

GUILTY = 5
GUILTY_NEVER = -1

#: How a worker can die, and the words that report it.
DEATHS: list[tuple[Callable[[int, int], int], str]] = [
    (tasks.die_by_exit, "exit code 3"),
    (tasks.die_as_if_done, "exit code 0"),
    (tasks.die_by_kill, "SIGKILL"),
    (tasks.die_by_abort, "SIGABRT"),
]

#: In the others it would take this process with it.
APART = [name for name in CONTRACT if name not in IN_PROCESS]


@pytest.fixture(params=APART)
def name(request: pytest.FixtureRequest) -> str:
    """Name each backend that has processes in turn."""
    assert isinstance(request.param, str)
    return request.param


@pytest.mark.parametrize(
    ("die", "words"), DEATHS, ids=[function.__name__ for function, _ in DEATHS]
)
def test_a_worker_that_dies_loses_only_its_task(
    carrier: Carrier, die: Callable[[int, int], int], words: str
) -> None:
    run = carrier.map(die, *[(x, GUILTY) for x in range(8)])
    kept = {x: outcome.value for x, outcome in enumerate(run.outcomes) if outcome.kind == "value"}
    assert kept == {x: x * x for x in range(8) if x != GUILTY}
    guilty = run.outcomes[GUILTY]
    assert guilty.kind == "lost"
    assert guilty.lost is not None
    assert guilty.lost.reason == "crash"
    assert guilty.started is not None
    assert guilty.ended is None
    detail = guilty.lost.detail
    assert reported_end(carrier.name, words) in detail
    assert "while it ran this task" in detail
    with pytest.raises(LostError, match=r"LOST: its worker (died|ended with)"):
        run[GUILTY]


def test_the_first_task_of_all_may_die_without_the_others(carrier: Carrier) -> None:
    first = 19  # the last one is submitted first
    run = carrier.map(tasks.die_by_kill, *[(x, first) for x in range(20)])
    assert [x for x, outcome in enumerate(run.outcomes) if outcome.kind == "lost"] == [first]


def test_a_task_that_never_began_is_not_lost_however_often_others_crash(carrier: Carrier) -> None:
    guilty = {19, 12, 5}
    run = carrier.map(
        tasks.die_by_exit, *[(x, x if x in guilty else GUILTY_NEVER) for x in range(20)]
    )
    lost = {x: outcome for x, outcome in enumerate(run.outcomes) if outcome.kind == "lost"}
    assert lost.keys() == guilty
    assert all(outcome.started is not None for outcome in lost.values())


def test_when_every_task_kills_its_worker_all_are_lost_and_the_run_ends(carrier: Carrier) -> None:
    run = carrier.map(tasks.die_by_kill, *[(GUILTY, GUILTY)] * 4)
    assert [outcome.kind for outcome in run.outcomes] == ["lost"] * 4


@pytest.mark.parametrize("name", [name for name in APART if name not in ALIKE], indirect=True)
def test_a_module_that_kills_the_process_at_import_loses_its_tasks_and_does_not_hang(
    carrier: Carrier, name: str, tmp_path: Path
) -> None:
    file = tmp_path / "deadly.py"
    file.write_text("import os\nos._exit(7)\n", encoding="utf-8")
    task = Task(id="0", function=abs, address=Address(module="deadly", attribute="f"))
    run = carrier([task] * 4, modules={"deadly": (str(file), None)})
    # Of a joined cluster it is not known which task a worker had that died before it began one.
    unknown = ["not_sent"] if name == JOINED else []
    assert {outcome.kind for outcome in run.outcomes} <= {"lost", *unknown}
    lost = [outcome for outcome in run.outcomes if outcome.kind == "lost"]
    assert len(lost) == 4 or (lost and unknown)
    for outcome in lost:
        assert outcome.lost is not None
        assert outcome.lost.reason == "crash"
        if name != JOINED:  # where nobody knows which of its workers had it
            assert reported_end(name, "exit code 7") in outcome.lost.detail


@pytest.mark.parametrize("name", [name for name in APART if name not in ALIKE], indirect=True)
def test_a_worker_that_dies_as_it_starts_is_replaced_and_nothing_is_lost(
    carrier: Carrier, tmp_path: Path
) -> None:
    function = tasks.SignalsFirstLoader(str(tmp_path / "loaded"), signal.SIGKILL)
    run = carrier.map(function, *[(x,) for x in range(16)])
    assert list(run) == [x * x for x in range(16)]


def test_after_a_crash_the_backend_serves_the_next_run(carrier: Carrier) -> None:
    carrier.map(tasks.die_by_exit, *[(x, GUILTY) for x in range(8)])
    assert carrier.map(tasks.square, (1,), (2,), (3,)) == [1, 4, 9]
