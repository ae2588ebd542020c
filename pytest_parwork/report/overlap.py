"""How the tasks of a run overlapped in its workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ..model import stats
from .entries import CaseEntry
from .repeats import Repeat


def tasks_of(cases: Iterable[CaseEntry]) -> Iterator[CaseEntry | Repeat]:
    """Yield all tasks of cases: a case that is repeated is several."""
    for case in cases:
        yield from case.tasks


def share_of(cases: Iterable[CaseEntry]) -> tuple[int, ...]:
    """Return how many tasks each worker ran."""
    count = Counter(task.worker for task in tasks_of(cases) if task.worker is not None)
    return tuple(count[worker] for worker in sorted(count))


def peak_of(cases: Iterable[CaseEntry]) -> int:
    """Return how many tasks were in workers at the same time."""
    return stats.peak_overlap(
        (task.interval[0], task.interval[2]) for task in tasks_of(cases) if task.interval
    )


def together(runs: Iterable[Sequence[CaseEntry]]) -> float | None:
    """Return the share of the busy time in which two tasks or more were running."""
    busy = together = 0.0
    for cases in runs:
        running = [task.interval[1:] for task in tasks_of(cases) if task.interval]
        one, several = stats.busy_times(running)
        busy += one
        together += several
    return together / busy if busy else None


def has_met(share: Sequence[int], peak: int) -> bool:
    """Return whether tasks of a run overlapped, in at least two workers."""
    return len(share) >= 2 and peak >= 2
