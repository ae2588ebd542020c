"""Which rows are run within the time of a workload, and which of them comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import pytest

from ...machine.clock import now
from ...report.stress import Stress, StressRun
from ...verify.stress.rows import Row
from .asking import Asked, failed_row, keep_row

#: Seconds after which no further row begins: at least, and so many times as long as the first run.
LEAST: Mapping[str, float] = {"quick": 20.0, "full": 120.0}
TIMES: Mapping[str, float] = {"quick": 20.0, "full": 200.0}

#: Runs a row, and the rows of the level.
Perturbing: TypeAlias = tuple[Callable[[Row], StressRun], Iterable[Row]]


def perturbed(
    item: pytest.Item, asked: Asked, subjects: Sequence[Perturbing], wall: float
) -> Stress:
    """Run the rows of each subject, the one that failed last time first; `wall` is the first run's.

    After a loss none follows: what hangs once takes its time again.
    """
    end = end_of(asked, wall)
    failed = failed_row(item.config, item.nodeid)
    runs: list[StressRun] = []
    left = 0
    for run, rows in subjects:
        for row in asked.rows(rows, failed):
            if now() > end or any(one.lost for one in runs):
                left += 1
            else:
                runs.append(run(row))
    return stress_of(item, asked, runs, left)


def end_of(asked: Asked, wall: float) -> float:
    """Return when the last row of a workload may begin; its first run took `wall` seconds."""
    level = asked.text if asked.row is None else "full"
    return now() + max(LEAST[level], TIMES[level] * wall)


def stress_of(item: pytest.Item, asked: Asked, runs: Sequence[StressRun], left: int = 0) -> Stress:
    """Return the entry of all rows; the first one that failed comes first in the next session."""
    if asked.row is None:
        keep_row(item.config, item.nodeid, next((run.row for run in runs if run.is_bad), None))
    return Stress(asked=asked.text, seed=asked.seed, runs=tuple(runs), left=left)
