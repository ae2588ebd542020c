"""The arithmetic of parallel runs: the overlap of intervals, and the lower bound on the time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

#: Start and end in seconds on one clock. Half-open: an interval that ends when another starts does
#: not overlap with it, and an empty interval overlaps with nothing.
Interval = tuple[float, float]


def peak_overlap(intervals: Iterable[Interval]) -> int:
    """Return the highest number of intervals that were running at once, 0 if there is none."""
    return max((running for running, _ in _levels(intervals)), default=0)


def busy_times(intervals: Iterable[Interval]) -> tuple[float, float]:
    """Return the seconds in which at least one of the intervals was running, and at least two.

    The first are the length of their union. The second, divided by it, are the share of the busy
    time in which the work was really parallel.
    """
    busy: list[float] = []
    several: list[float] = []
    for running, seconds in _levels(intervals):
        busy.append(seconds)
        if running > 1:
            several.append(seconds)
    return sum(busy), sum(several)


def bound(durations: Sequence[float], workers: int) -> float:
    """Return the least seconds in which `workers` can do tasks of these durations (in seconds).

    No order of the tasks is faster than max(total / workers, longest): the lower bound on the
    makespan to which R. L. Graham compared list scheduling ("Bounds on multiprocessing timing
    anomalies", SIAM J. Appl. Math. 17 (1969) 416-429). List scheduling, which starts the tasks in
    any order as workers become free, takes at most 2 - 1/workers times as long.
    """
    if workers < 1:
        raise ValueError(f"workers is {workers}: at least 1 is needed to do the tasks")
    return max(sum(durations) / workers, max(durations, default=0.0))


def most_unseen(cases: int, checked: int, *, confidence: float) -> int:
    """Return how many cases can be wrong at most, if a random sample of them had no wrong one.

    It is the largest number that such a sample misses with a chance above 1 - confidence, exactly:
    of `cases`, `wrong` ones are all outside of the sample with a chance of
    C(cases - wrong, checked) / C(cases, checked), the hypergeometric distribution.
    """
    if not checked:
        return cases
    wrong, chance = 0, 1.0
    while wrong < cases - checked:
        chance *= (cases - checked - wrong) / (cases - wrong)
        if chance <= 1 - confidence:
            break
        wrong += 1
    return wrong


def highest_rate(clean: int, *, confidence: float) -> float:
    """Return the highest rate of an event that so many independent trials without one leave open.

    A rate of p gives no event in n trials with a chance of (1 - p)**n. For n above 30 the result is
    close to 3 / n with a confidence of 95 %, the rule of three (Hanley and Lippman-Hand, JAMA 249
    (1983) 1743-1745), and never above it.
    """
    return 1 - float((1 - confidence) ** (1 / clean))


def _levels(intervals: Iterable[Interval]) -> Iterator[tuple[int, float]]:
    """Yield, between two changes, how many intervals were running and for how long.

    Times at which none was running are omitted. No pairs are kept: the garbage collector would
    visit those of thousands of cases, and with them all other objects.
    """
    starts: list[float] = []
    ends: list[float] = []
    for start, end in intervals:
        if end > start:
            starts.append(start)
            ends.append(end)
    starts.sort()
    running, begun, moment = 0, 0, 0.0
    for end in sorted(ends):
        while begun < len(starts) and starts[begun] < end:
            if running:
                yield running, starts[begun] - moment
            moment = starts[begun]
            running += 1
            begun += 1
        yield running, end - moment
        moment = end
        running -= 1
