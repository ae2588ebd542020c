"""The comparison of reports as text for a terminal, as Markdown, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from ..model.listing import shorten
from ..model.printable import printable
from .across import VALUE, Across, CaseMatch, Match
from .as_markdown import cell, table
from .data import Report
from .entries import Result
from .figures import counted, duration, ratio

#: How many cases of each kind are listed, unless all are asked for.
LISTED = 10

#: Characters of a value, of the name of a case, and of a fact about an environment.
_VALUE, _NAME, _FACT = 120, 200, 60


def as_text(names: Sequence[str], found: Sequence[Across], *, is_verbose: bool) -> Iterator[str]:
    """Yield lines for a terminal; `names` are those of the files, the base report first."""
    most = None if is_verbose else LISTED
    for name, across in zip(names[1:], found, strict=True):
        yield f"{name} against {names[0]}: {summary(across)}"
        for case in across.having(Match.DIFFERENT)[:most]:
            yield f"  DIFFERENT  {shorten(case.id, _NAME, keep_end=True)}"
            yield from (f"    {line}" for line in _values(case, names[0], name))
        for match in (Match.MISSING, Match.NOT_COMPARED):
            for case in across.having(match)[:most]:
                yield f"  {match.value:9}  {shorten(case.id, _NAME, keep_end=True)}: {case.why}"
        for case in across.changed_speed()[:most]:
            yield f"  {_speed(case):9}  {shorten(case.id, _NAME, keep_end=True)}: {_seconds(case)}"
        if any(_is_cut(across, most)):
            yield "  more with -v"
        yield from (f"  {line}" for line in _times(across))
        yield from _environment_lines(across)


def summary(across: Across) -> str:
    """Return the counts in a line: `33 equal, 1 DIFFERENT, 1 missing; exact()`."""
    parts = [f"{across.counts[Match.EQUAL]} equal"]
    if across.by_outcome:
        parts[0] += f" ({across.by_outcome} by outcome only)"
    names = {
        Match.DIFFERENT: "DIFFERENT",
        Match.MISSING: "missing",
        Match.NOT_COMPARED: "not compared",
    }
    parts += [
        f"{across.counts[match]} {name}" for match, name in names.items() if across.counts[match]
    ]
    return f"{', '.join(parts)}; {across.policy}"


def _values(case: CaseMatch, base: str, other: str) -> Iterator[str]:
    if case.comparison is None or not case.comparison.mismatches:
        yield f"{case.why}: {_shown(case.base)} in {base}, {_shown(case.other)} in {other}"
        return
    first = case.comparison.mismatches[0]
    place = f"at {first.path}: " if first.path else ""
    apart = f" ({first.description})" if first.description else ""
    yield f"{place}{first.expected} in {base}, {first.actual} in {other}{apart}"
    if case.comparison.count > 1:
        yield f"and {case.comparison.count - 1} more"
    if case.why != VALUE:
        yield f"{case.why}: these are from the summaries"


def _shown(result: Result | None) -> str:
    if result is None:
        return "nothing"
    return shorten(result.text or result.kind, _VALUE)


def _is_cut(across: Across, most: int | None) -> Iterator[bool]:
    for match in (Match.DIFFERENT, Match.MISSING, Match.NOT_COMPARED):
        yield most is not None and len(across.having(match)) > most
    yield most is not None and len(across.changed_speed()) > most


def _speed(case: CaseMatch) -> str:
    return "slower" if (case.ratio or 1) > 1 else "faster"


def _seconds(case: CaseMatch) -> str:
    assert case.measured is not None, "only such cases are listed"
    leg, before, after = case.measured
    return f"{leg} {duration(before)}, now {duration(after)}, {ratio(case.ratio)} the time"


def _times(across: Across) -> Iterator[str]:
    for leg in ("serial", "parallel"):
        total = across.total(leg)
        if total is not None and total[0]:
            before, after = total
            yield (
                f"{leg:9}  {duration(before)}, now {duration(after)}, "
                f"{ratio(after / before)} the time, over the cases of both"
            )


def _environment_lines(across: Across) -> Iterator[str]:
    if not across.environment:
        yield "  the environments do not differ in what the reports say of them"
        return
    yield "  the environments differ:"
    width = max(len(one.name) for one in across.environment)
    for one in across.environment:
        texts = (shorten(printable(text), _FACT) for text in (one.base, one.other))
        yield f"    {printable(one.name):{width}}  {'  ->  '.join(texts)}"


def as_markdown(names: Sequence[str], found: Sequence[Across]) -> Iterator[str]:
    """Yield lines of Markdown: a table of counts, then what is not equal, then the environments."""
    base = names[0]
    yield f"### Results against {cell(base)}"
    yield ""
    head = ("report", "equal", "different", "missing", "not compared", "serial", "parallel")
    rows = [
        (
            cell(name),
            *(str(across.counts[match]) for match in Match),
            *(_ratio_of(across, leg) for leg in ("serial", "parallel")),
        )
        for name, across in zip(names[1:], found, strict=True)
    ]
    yield from table(head, rows, right=6)
    for name, across in zip(names[1:], found, strict=True):
        bad = [*across.having(Match.DIFFERENT), *across.having(Match.MISSING)]
        rows = [(cell(case.id), cell(_shown(case.base)), cell(_shown(case.other))) for case in bad]
        if rows:
            yield ""
            yield from table((cell(name), cell(base), cell(name)), rows[:LISTED])
        if len(rows) > LISTED:
            yield ""
            yield f"and {len(rows) - LISTED} more."
        rows = [(cell(one.name), cell(one.base), cell(one.other)) for one in across.environment]
        if rows:
            yield ""
            yield from table(("environment", cell(base), cell(name)), rows)


def _ratio_of(across: Across, leg: str) -> str:
    total = across.total(leg)
    return ratio(total[1] / total[0]) if total is not None and total[0] else "-"


def as_json(names: Sequence[str], found: Sequence[Across]) -> str:
    """Return the whole comparison as JSON."""
    data = {
        "base": names[0],
        "reports": [
            {
                "report": name,
                "policy": across.policy,
                "counts": {match.value: number for match, number in across.counts.items()},
                "compared_by_outcome": across.by_outcome,
                "seconds": {leg: across.total(leg) for leg in ("serial", "parallel")},
                "cases": [_case(case) for case in across.cases],
                "environment": [
                    {"name": one.name, "base": one.base, "other": one.other}
                    for one in across.environment
                ],
            }
            for name, across in zip(names[1:], found, strict=True)
        ],
    }
    return json.dumps(data, indent=1)


def _case(case: CaseMatch) -> Mapping[str, object]:
    mismatches = case.comparison.mismatches if case.comparison is not None else ()
    return {
        "id": case.id,
        "match": case.match.value,
        "why": case.why or None,
        "base": case.base and case.base.text,
        "other": case.other and case.other.text,
        "first": mismatches[0].path if mismatches else None,
        "seconds": {"serial": case.serial, "parallel": case.parallel},
    }


def heading(name: str, report: Report) -> str:
    """Return a line that says what a report is of."""
    packages = report.environment.get("packages")
    numpy = packages.get("numpy") if isinstance(packages, Mapping) else None
    cases = sum(len(run.cases) for run in report.runs)
    facts = [f"Python {report.environment.get('python', '?')}"]
    facts += [f"NumPy {numpy}"] if numpy else []
    return printable(f"{name}: {counted(cases, 'case')}, {', '.join(facts)}")
