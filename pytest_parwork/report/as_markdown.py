"""The report as Markdown, for a pull request or GitHub's summary of a job: problems first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ..model.listing import shorten
from ..model.outcome import Verdict
from ..model.printable import printable
from .data import Report, RunReport
from .entries import CaseEntry
from .figures import counted, duration, ratio
from .notes import equal_counts
from .terminal import render

#: Rows of the two tables; the rest is counted. GitHub shows at most 1 MiB of a job.
CASES, RUNS = 50, 100

#: Bars of the timeline: with more of them nothing can be read.
BARS = 30

#: Characters of a cell.
_CELL = 200

#: Verdicts of a case, or of a run, that are problems.
_BAD = {Verdict.LOST, Verdict.DIFFERENT, Verdict.NOT_SENT}


def markdown_pieces(report: Report) -> Iterator[str]:
    """Yield the report as Markdown, piece by piece."""
    section = render(report, width=80, verbosity=-1)
    yield f"## {_text(section.title.text if section is not None else 'parwork: nothing ran')}\n"
    yield from _lines(_problems(report.runs))
    yield from _lines(_causes(report.runs))
    yield from _lines(_runs(report.runs))
    if (chosen := _timeline_of(report.runs)) is not None:
        yield from _lines(_timeline(chosen))
    yield from _lines(_plain(report))


def _lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a part, after an empty one; nothing if there are none."""
    for number, line in enumerate(lines):
        yield f"{'' if number else chr(10)}{line}\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: int = 0) -> Iterator[str]:
    """Yield the lines of a table of Markdown; the last `right` columns are aligned to the right."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * (len(head) - right)}{'---:|' * right}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def cell(text: str) -> str:
    """Return a foreign text as code for a cell of a table, which no character of it can break."""
    line = " ".join(shorten(printable(text), _CELL, keep_end=True).split()).replace("`", "'")
    return "`" + line.replace("|", "\\|") + "`" if line else ""


def _text(text: str) -> str:
    """Return a text in which nothing is Markdown or HTML."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&])", r"\\\1", printable(text))


def _problems(runs: Sequence[RunReport]) -> Iterator[str]:
    found = [(run, case) for run in runs for case in run.cases if case.verdict in _BAD]
    if found:
        rows = [
            (cell(case.id), cell(run.label), case.verdict.value, *_values(case))
            for run, case in found[:CASES]
        ]
        yield from table(("case", "run", "verdict", "where", "serial", "parallel"), rows)
        if len(found) > CASES:
            yield ""
            yield f"and {counted(len(found) - CASES, 'more case')}."
    for run in runs:
        if run.too_slow:
            yield ""
            yield f"{cell(run.id)} on {cell(run.label)}: {_text(run.too_slow)}"
        for wrong in run.stress.bad if run.stress is not None else ():
            yield ""
            where = f"{cell(run.id)} on {cell(run.label)}, stress"
            yield f"{where}: {_text(wrong.first)} ({_text(wrong.row)})"


def _values(case: CaseEntry) -> tuple[str, str, str]:
    """Return where the case differs, and both values; or why it has no outcome."""
    if case.mismatches:
        first = case.mismatches[0]
        more = f" and {case.mismatch_count - 1} more" if case.mismatch_count > 1 else ""
        return f"{cell(first.path) or 'the value'}{more}", cell(first.expected), cell(first.actual)
    reason = case.lost or case.not_sent
    return cell(reason["detail"]) if reason else "", "", ""


def _causes(runs: Sequence[RunReport]) -> Iterator[str]:
    for run in runs:
        for cause in run.causes:
            yield f"- **{_text(str(cause))}** on {cell(run.id)}: {_text(cause.evidence)}"
            if cause.remedy:
                yield f"  - remedy: {cell(cause.remedy)}"


def _runs(runs: Sequence[RunReport]) -> Iterator[str]:
    if not runs:
        return
    order = list(Verdict)
    chosen = sorted(runs, key=lambda run: order.index(run.verdict))[:RUNS]
    rows = [
        (
            cell(run.id),
            cell(run.label),
            run.verdict.value,
            " and ".join(f"{counted(number, noun)} equal" for number, noun in equal_counts(run)),
            duration(run.timing.serial),
            duration(run.timing.parallel),
            _speedup(run),
        )
        for run in chosen
    ]
    head = ("workload", "run", "verdict", "compared", "serial", "parallel", "speed-up")
    yield from table(head, rows, right=3)
    if len(runs) > RUNS:
        yield ""
        yield f"and {counted(len(runs) - RUNS, 'more run')}."


def _speedup(run: RunReport) -> str:
    text = "-" if run.xdist else ratio(run.timing.speedup)
    return text if run.timing.reliable or text == "-" else f"~{text}"


def _timeline_of(runs: Sequence[RunReport]) -> RunReport | None:
    """Return the run whose timeline is shown: the worst, and of these the longest."""
    order = list(Verdict)
    timed = [run for run in runs if run.workers_used > 1 and not run.xdist]
    return min(
        timed,
        key=lambda run: (order.index(run.verdict), -(run.timing.parallel or 0.0)),
        default=None,
    )


def _timeline(run: RunReport) -> Iterator[str]:
    """Yield a Gantt chart in Mermaid: the longest cases, by worker."""
    ran = [case for case in run.cases if case.interval is not None and case.worker is not None]
    longest = sorted(ran, key=lambda case: -(case.parallel or 0.0))[:BARS]
    moments = {case.id: run.since_origin(case.interval) or (0.0, 0.0, 0.0) for case in longest}
    # Mermaid knows whole milliseconds.
    unit, scale = ("us", 1e6) if max(m[2] for m in moments.values()) < 0.1 else ("ms", 1e3)
    hint = "" if len(longest) == len(ran) else f", the longest {len(longest)} of {len(ran)} cases"
    yield "```mermaid"
    yield "gantt"
    yield f"    title {_name(f'{run.id} on {run.label}')}, {unit}{hint}"
    yield "    dateFormat x"
    yield "    axisFormat %Q"
    for worker in sorted({case.worker for case in longest if case.worker is not None}):
        yield f"    section worker {worker}"
        for case in longest:
            if case.worker == worker:
                start, end = (round(moment * scale) for moment in moments[case.id][1:])
                mark = "crit, " if case.verdict in _BAD else ""
                name = _name(case.id.rpartition("::")[2])
                yield f"    {name} :{mark}{start}, {max(end, start + 1)}"
    yield "```"


def _name(text: str) -> str:
    """Return a text that means nothing to Mermaid."""
    return re.sub(r"[^\w .,\-+/()\[\]]", "_", shorten(printable(text), 60, keep_end=True))


def _plain(report: Report) -> Iterator[str]:
    if not report.plain:
        return
    reasons: dict[str, int] = {}
    for entry in report.plain:
        reasons[entry.reason] = reasons.get(entry.reason, 0) + 1
    yield f"{counted(len(report.plain), 'test')} plain, not compared:"
    yield ""
    most = sorted(reasons.items(), key=lambda pair: -pair[1])[:CASES]
    yield from (f"- {number}: {_text(reason)}" for reason, number in most)
