"""The notes on a workload of several tests: its runs, and its slowest cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..model.listing import shorten
from .data import RunReport
from .entries import FILTERS, CaseEntry
from .figures import counted, duration

#: How many of the slowest cases are named.
SLOWEST = 3

#: Most columns for the name of a case.
_LONGEST = 40


def why_not_met(run: RunReport, cases: int, runs: int) -> str:
    """Return why so many cases in so many runs did not overlap, if they were in different ones."""
    if cases == runs and _is_split_by_filters(run):
        return (
            f"each of the {cases} cases ran on its own, because no two have the same marks with "
            "warning filters, which all threads share; use a backend with processes."
        )
    if run.scope == "function":
        return ""
    if cases == runs:
        return (
            f"each of the {cases} cases ran on its own, because no two use the same fixtures wider "
            "than function scope; parametrize the tests, or give the fixtures function scope."
        )
    met = run.workers_used >= 2 and run.peak_overlap >= 2
    return "some of its runs overlapped, but not all; -v shows the runs." if met else ""


def of_several_tests(run: RunReport) -> Iterator[str]:
    """Yield what a workload of several tests needs said: its runs of one, its slowest cases."""
    if run.facts and all(facts.lanes == 1 for facts in run.facts):
        yield "its cases share a resource (exclusive=), so no two ran at the same time"
    if avoided := next((facts.avoided for facts in run.facts if facts.avoided), ""):
        yield f"not forked, because other threads were alive: {avoided}; started by forkserver"
    if run.scope == "function":
        return
    runs = Counter(case.run for case in run.cases if case.interval is not None)
    single = sum(number == 1 for number in runs.values())
    if single and len(runs) > 1:
        filters = " or marks with warning filters" if _is_split_by_filters(run) else ""
        yield (
            f"{counted(single, 'case')} of {runs.total()} ran without others, because of fixtures "
            f"wider than function scope{filters} (-v shows the runs)"
        )
    timed = [case for case in run.cases if case.parallel is not None]
    if len(timed) > SLOWEST:
        timed.sort(key=lambda case: case.parallel or 0.0, reverse=True)
        named = (f"{_name(case)} {duration(case.parallel)}" for case in timed[:SLOWEST])
        yield f"slowest: {', '.join(named)}"


def runs_of(run: RunReport) -> Iterator[str]:
    """Yield the runs of a workload of several tests, with the fixtures that split them."""
    cases = Counter(case.run for case in run.cases)
    for facts in run.facts:
        fixtures = f" with {', '.join(facts.fixtures)}" if facts.fixtures else ""
        yield f"run of {counted(cases[facts.run], 'case')}{fixtures}: {duration(facts.wall)}"


def _is_split_by_filters(run: RunReport) -> bool:
    return any(FILTERS in facts.fixtures for facts in run.facts)


def _name(case: CaseEntry) -> str:
    return shorten(case.id.rpartition("::")[2], _LONGEST)
