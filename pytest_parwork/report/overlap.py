"""How the tasks of a run overlapped in its workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ..model import stats
from .entries import CaseEntry
from .repeats import Repeat


def tasks_of(cases: Iterable[CaseEntry]) -> Sequence[CaseEntry | Repeat]:
    """Return all tasks of cases: a case that is repeated is several."""
    tasks: list[CaseEntry | Repeat] = []
    for case in cases:
        tasks += case.repeats or (case,)
    return tasks


def share_of(tasks: Iterable[CaseEntry | Repeat]) -> tuple[int, ...]:
    """Return how many of the tasks each worker ran."""
    count = Counter([task.worker for task in tasks if task.worker is not None])
    return tuple(count[worker] for worker in sorted(count))


def peak_of(tasks: Iterable[CaseEntry | Repeat]) -> int:
    """Return how many of the tasks were in workers at the same time."""
    return stats.peak_overlap((t.interval[0], t.interval[2]) for t in tasks if t.interval)


def together(runs: Iterable[Sequence[CaseEntry | Repeat]]) -> float | None:
    """Return the share of the busy time in which two tasks or more were running."""
    busy = together = 0.0
    for tasks in runs:
        running = (task.interval[1:] for task in tasks if task.interval)
        one, several = stats.busy_times(running)
        busy += one
        together += several
    return together / busy if busy else None


def has_met(share: Sequence[int], peak: int) -> bool:
    """Return whether tasks of a run overlapped, in at least two workers."""
    return len(share) >= 2 and peak >= 2
