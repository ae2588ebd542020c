"""Which workloads a terminal shows where there are too many to read, and their totals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..model.dataclass import dataclass
from ..model.outcome import Verdict
from .data import RunReport
from .figures import counted

#: Up to so many workloads, each is shown.
ALL = 20

#: Of more, so many that are not EQUAL, and so many of the slowest and of the fastest.
WORST, EXTREMES = 40, 3

_Workloads = Mapping[str, Sequence[RunReport]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The workloads to show, in order, and what is said of the others, a line each."""

    shown: _Workloads
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The seconds of all runs together; `speedup` is of those that were measured in both legs."""

    serial: float
    parallel: float
    startup: float
    speedup: float | None
    reliable: bool


def choose(workloads: _Workloads, *, is_verbose: bool) -> Choice:
    """Choose the workloads to show: all of up to 20, or those that a reader looks for.

    These are the ones that are not equal, worst first, then the slowest and the fastest. That a
    single case was not exercised is counted: it is true of most tests of a marked suite.
    """
    if is_verbose or len(workloads) <= ALL:
        return Choice(shown=workloads)
    order = list(Verdict)
    ranks = {id: min(map(_rank, runs), key=order.index) for id, runs in workloads.items()}
    bad = [id for id, rank in ranks.items() if rank is not Verdict.EQUAL]
    bad.sort(key=lambda id: order.index(ranks[id]))
    timed = [(speedup, id) for id, runs in workloads.items() for speedup in _speedups(runs)]
    timed.sort()
    extremes = [id for _, id in (*timed[:EXTREMES], *timed[-EXTREMES:])]
    chosen = dict.fromkeys((*bad[:WORST], *extremes))
    return Choice(
        shown={id: workloads[id] for id in chosen},
        remarks=tuple(_remarks(workloads, left=len(bad) - len(bad[:WORST]), shown=len(chosen))),
    )


def _rank(run: RunReport) -> Verdict:
    """Return how bad a run is for a reader: of single cases, that they met no other is not."""
    if run.too_slow or run.is_wrong_under_stress:
        return Verdict.DIFFERENT
    if run.verdict is Verdict.NOT_EXERCISED and len(run.cases) == 1:
        return Verdict.EQUAL
    return run.verdict


def _speedups(runs: Iterable[RunReport]) -> Iterator[float]:
    for run in runs:
        if run.timing.speedup is not None and run.timing.reliable and len(run.cases) > 1:
            yield run.timing.speedup


def _remarks(workloads: _Workloads, *, left: int, shown: int) -> Iterator[str]:
    if left:
        yield f"{left} more are not equal"
    alone = sum(
        all(run.verdict is Verdict.NOT_EXERCISED and len(run.cases) == 1 for run in runs)
        for runs in workloads.values()
    )
    if alone:
        yield f"{alone} {'has' if alone == 1 else 'have'} one case only: not exercised"
    yield f"{counted(len(workloads) - shown, 'workload')} not shown: all with -v"


def total(runs: Iterable[RunReport]) -> Total:
    """Add up the seconds of runs, which followed one another."""
    timings = [run.timing for run in runs]
    both = [one for one in timings if one.speedup is not None and one.parallel]
    parallel = sum(one.parallel or 0.0 for one in both)
    return Total(
        serial=sum(one.serial or 0.0 for one in timings),
        parallel=sum(one.parallel or 0.0 for one in timings),
        startup=sum(one.startup or 0.0 for one in timings),
        speedup=sum((one.speedup or 0.0) * (one.parallel or 0.0) for one in both) / parallel
        if parallel
        else None,
        reliable=all(one.reliable for one in timings),
    )
