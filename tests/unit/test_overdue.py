"""When the time of a task is over, by what the ledger says of it."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_parwork.machine.clock import now
from pytest_parwork.model.work import Batch, Task
from pytest_parwork.runner.medium import Late
from pytest_parwork.runner.overdue import Overdue


class Medium:
    """Keeps what it is to end, and ends nothing."""

    def __init__(self, ledger: object) -> None:
        self.ledger = ledger
        self.late: list[Late] = []

    def end_late(self, late: Sequence[Late]) -> Sequence[Late]:
        self.late += late
        return ()


class Flight(list[Batch]):
    """Has the first task of each batch in hand."""

    def in_hand(self, batch: Batch) -> int:
        return 0


@pytest.mark.parametrize(
    ("ago", "is_late"),
    [
        ({"arrived": 9.0, "started": 9.0}, True),
        ({"arrived": 9.0, "started": 1.0}, False),  # the time starts with the call
        ({"arrived": 9.0, "started": 9.0, "ended": 1.0}, False),  # storing has the same time again
        ({"arrived": 9.0, "started": 9.0, "ended": 6.0}, True),
        ({"arrived": 9.0}, True),
        ({"arrived": 1.0}, False),
    ],
)
def test_a_task_has_its_time_for_its_call_and_again_for_its_result(
    ago: dict[str, float], is_late: bool
) -> None:
    times = [now() - ago[name] if name in ago else None for name in ("arrived", "started", "ended")]
    medium = Medium(SimpleNamespace(times=lambda task: times))
    unused: Any = None
    flight: Any = Flight([unused])
    tasks = [Task(id="0", function=abs, timeout=5)]
    overdue = Overdue(cast(Any, medium), unused, flight, unused, unused, tasks)
    assert not overdue.look(now() - 20.0)
    assert bool(medium.late) == is_late
