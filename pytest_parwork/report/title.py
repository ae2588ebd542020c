"""The title of a report: what was compared, and what was found, the worst first."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.dataclass import dataclass
from ..model.outcome import Verdict
from .data import Report, RunReport
from .figures import counted
from .plain import PlainEntry, count_plain

#: Columns of a separator line around its text.
_AROUND = 4

_COLOURS = {
    Verdict.LOST: "red",
    Verdict.DIFFERENT: "red",
    Verdict.NOT_SENT: "red",
    Verdict.NOT_EXERCISED: "yellow",
    Verdict.NOT_VERIFIED: "yellow",
    Verdict.EQUAL: "green",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """A title, its colour, and the counts that it has no room for; empty if it has all."""

    text: str
    colour: str
    more: str = ""


def title_of(report: Report, width: int | None, *, has_list: bool = False) -> Title:
    """Return the title for a terminal of `width` columns, None for one with all counts.

    Plain tests are always counted: nothing else would say that most of a suite was not compared.
    Other counts that have no room are left out, because each run says them, too; next to plain
    tests, they and the reasons of these are the lines below. `has_list` says that a list of all
    plain tests follows.
    """
    runs, plain = list(report.runs), report.plain
    bad = _bad_counts(runs)
    counts, rest = [_extent(runs, plain), *bad], _rest_counts(runs, is_any_bad=bool(bad))
    uncompared = count_plain(plain, has_list=has_list) if plain else ""
    colour, room = _colour(runs, plain), None if width is None else width - _AROUND
    whole = _joined([*counts, *rest], uncompared)
    if room is None or len(whole) <= room:
        return Title(text=whole, colour=colour)
    short = f"{len(plain):,} plain" if plain else ""
    below: list[str] = []
    while plain and len(counts) > 1 and len(_joined(counts, short)) > room:
        below.insert(0, counts.pop())
    for count in rest:
        has_room = len(_joined([*counts, count], short)) <= room and not below
        (counts if has_room else below).append(count)
    more = "; ".join(filter(None, [", ".join(below), uncompared])) if plain else ""
    return Title(text=_joined(counts, short), colour=colour, more=more)


def _joined(counts: Sequence[str], uncompared: str) -> str:
    return "; ".join(filter(None, [f"parwork: {', '.join(counts)}", uncompared]))


def _colour(runs: Sequence[RunReport], plain: Sequence[PlainEntry]) -> str:
    worst = Verdict.worst([run.verdict for run in runs]) if runs else Verdict.NOT_VERIFIED
    colour = _COLOURS[worst]
    if colour == "green" and len(plain) > sum(len(run.cases) for run in runs):
        colour = "yellow"
    is_bad = any(run.too_slow or run.is_wrong_under_stress for run in runs)
    return "red" if is_bad else colour


def _extent(runs: Sequence[RunReport], plain: Sequence[PlainEntry]) -> str:
    """Return how much was fanned out: in workloads where each is a test, else in cases and runs."""
    if not plain and all(run.scope == "function" for run in runs):
        return counted(len({run.id for run in runs}), "workload")
    cases = sum(not case.is_skipped for run in runs for case in run.cases)
    made = sum(len(run.facts) for run in runs)
    within = f" in {counted(made, 'run')}" if made else ""
    return f"{cases:,} {'case' if cases == 1 else 'cases'} fanned out{within}"


def _bad_counts(runs: list[RunReport]) -> list[str]:
    counts: list[str] = []
    verdicts = [case.verdict for run in runs for case in run.cases]
    for verdict in (Verdict.DIFFERENT, Verdict.LOST, Verdict.NOT_SENT):
        if number := verdicts.count(verdict):
            counts.append(f"{number if counts else counted(number, 'case')} {verdict}")
    if slow := sum(bool(run.too_slow) for run in runs):
        counts.append(f"{slow} TOO SLOW" if counts else f"{counted(slow, 'run')} TOO SLOW")
    stressed = sum(run.is_wrong_under_stress for run in runs)
    if stressed and not counts:  # else the title is long enough, and each run says it below
        counts.append(f"{counted(stressed, 'run')} WRONG UNDER STRESS")
    unexercised = sum(run.exercised is False for run in runs)
    if runs and unexercised == len(runs):
        counts.append("NOT EXERCISED")
    elif unexercised:
        counts.append(f"{unexercised} of {len(runs)} runs NOT EXERCISED")
    return counts


def _rest_counts(runs: list[RunReport], *, is_any_bad: bool) -> list[str]:
    """Return the count of equal cases if none is bad, and always those of unverified cases."""
    cases = [case for run in runs for case in run.cases]
    equal = [case for case in cases if case.verdict is Verdict.EQUAL]
    skipped = sum([case.is_skipped for case in cases])
    unverified = [case.verdict for case in cases].count(Verdict.NOT_VERIFIED) - skipped
    outcomes = sum([case.returned_nothing for case in equal])
    counts = []
    varied = any(run.variation is not None for run in runs)
    serial = "the reference" if varied else "serial"
    if equal and len(equal) + skipped == len(cases) and not is_any_bad:
        counts.append(f"all equal to {serial}")
    elif equal and not is_any_bad:
        counts.append(f"{len(equal)} equal to {serial}")
    if outcomes:
        counts.append(f"{outcomes} compared by outcome only")
    if unverified:
        counts.append(f"{unverified} not verified")
    if skipped:
        counts.append(f"{skipped} skipped")
    return counts
