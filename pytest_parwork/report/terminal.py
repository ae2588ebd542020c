"""The section of the terminal that shows a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from textwrap import wrap

from ..model.listing import shorten
from ..model.outcome import Verdict
from .data import Report, RunReport
from .figures import counted, duration, percent, ratio
from .notes import RunNote, Severity, notes

#: Columns: where the notes start, where the serial seconds end, and the widths of what follows.
_INDENT = 16
_SERIAL_END = 42
_PARALLEL, _STARTUP, _SPEEDUP = 11, 10, 10
#: Columns of the bar that shows how much of something was reached.
_BAR = 32

_COLOURS: Mapping[Severity, tuple[str, ...]] = {
    "error": ("red",),
    "warning": ("yellow",),
    "info": (),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A text and the names of its markup (`red`, `bold` …), as pytest's terminal writer has them.

    The text is complete without its markup, for terminals without colour.
    """

    text: str
    markup: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the terminal."""

    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """The line without its markup."""
        return "".join(segment.text for segment in self.segments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A title, for a separator line, and the lines below it."""

    title: Segment
    lines: tuple[Line, ...]


def render(report: Report, *, width: int, verbosity: int = 0) -> Section | None:
    """Return the section for a terminal of `width` columns; None if the report has no run.

    With a negative verbosity the section has only its title.
    """
    if not report.runs:
        return None
    lines = _lines(report, width=width, verbosity=verbosity) if verbosity >= 0 else ()
    return Section(title=_title(report.runs, width), lines=tuple(lines))


def _lines(report: Report, *, width: int, verbosity: int) -> Iterator[Line]:
    workloads: dict[str, list[RunReport]] = {}
    for run in report.runs:
        workloads.setdefault(run.id, []).append(run)
    for workload, runs in workloads.items():
        yield from _heading(workload, width)
        labels = [run.label for run in runs]
        for run in runs:
            # `joblib-2` and `joblib-auto` may both have got two workers.
            ambiguous = labels.count(run.label) > 1
            yield from _row(run, run.configuration_id if ambiguous else run.label)
            for note in notes(run, is_verbose=verbosity > 0):
                yield from _note(note, room=min(width, 80) - _INDENT)
    if verbosity > 0:
        yield from _sent(report.runs, width)


def _note(note: RunNote, *, room: int) -> Iterator[Line]:
    """Yield a note, each line at most `room` wide."""
    text = note.text
    if note.reached is not None:
        bar = ("#" * round(min(note.reached, 1) * _BAR)).ljust(_BAR, "-")
        text = f"{text}  [{bar}] {percent(note.reached)} reached"
    for line in wrap(text, room, break_long_words=False, break_on_hyphens=False):
        yield _line(" " * _INDENT, (line, _COLOURS[note.severity]))


def _sent(runs: Iterable[RunReport], width: int) -> Iterator[Line]:
    """Yield the files of the project that were sent to other machines, for each backend."""
    backends: dict[str, list[RunReport]] = {}
    for run in runs:
        if run.sent or run.withheld:
            backends.setdefault(run.backend, []).append(run)
    for backend, those in backends.items():
        sent = sorted({file for run in those for file in run.sent})
        withheld = sorted({file for run in those for file in run.withheld})
        yield _line(f"{counted(len(sent), 'file')} sent to the workers of {backend}:")
        yield from _listed(sent, width)
        if withheld:
            yield _line(f"{counted(len(withheld), 'file')} needed there and not sent:")
            yield from _listed(withheld, width)


def _listed(files: Iterable[str], width: int) -> Iterator[Line]:
    for line in wrap(", ".join(files), width - 2, break_long_words=False, break_on_hyphens=False):
        yield _line(f"  {line}")


def _heading(workload: str, width: int) -> Iterator[Line]:
    """Yield the id and the names of the columns, on two lines if the id is long."""
    name = shorten(workload, width, keep_end=True)
    if len(name) > _SERIAL_END - len("serial") - 1:
        yield _line((name, ("bold",)))
        name = ""
    columns = f"{'parallel':>{_PARALLEL}}{'start-up':>{_STARTUP}}{'speed-up':>{_SPEEDUP}}"
    yield _line((name, ("bold",)), f"{'serial':>{_SERIAL_END - len(name)}}{columns}")


def _row(run: RunReport, label: str) -> Iterator[Line]:
    """Yield the number of equal values and the times, on two lines if the label is long."""
    timing = run.timing
    serial = duration(timing.serial)
    name = f"  {label}".ljust(_INDENT - 1) + " "
    equal, compared = _equal(run)
    text = f"{counted(equal, compared)} equal"
    if len(name) + len(text) + 1 + len(serial) > _SERIAL_END:
        yield _line(name.rstrip())
        name = " " * _INDENT
    speedup = "-" if run.xdist else ratio(timing.speedup)
    if speedup != "-" and not timing.reliable:
        speedup = f"~{speedup}"
    times = (
        f"{serial:>{_SERIAL_END - len(name) - len(text)}}"
        f"{duration(timing.parallel):>{_PARALLEL}}"
        f"{duration(timing.startup):>{_STARTUP}}"
        f"{speedup:>{_SPEEDUP}}"
    )
    slower = (" SLOWER", ("yellow",)) if run.is_slower else ""
    yield _line(name, (text, ("green",) if equal else ()), times, slower)


def _equal(run: RunReport) -> tuple[int, str]:
    """Return the count of the row and its noun: equal values, or outcomes if no value is equal."""
    equal = [case.compared for case in run.cases if case.verdict is Verdict.EQUAL]
    values = equal.count("values")
    return (values, "value") if values or not equal else (len(equal), "outcome")


def _title(runs: Iterable[RunReport], width: int) -> Segment:
    runs = list(runs)
    workloads = counted(len({run.id for run in runs}), "workload")
    counts = [workloads, *_bad_counts(runs)]
    for count in _rest_counts(runs):
        # Each run below shows them, too; a separator line has "= " and " =" around it.
        if len("parwork: ") + len(", ".join([*counts, count])) <= width - 4:
            counts.append(count)
    worst = Verdict.worst([run.verdict for run in runs])
    colour = {
        Verdict.LOST: "red",
        Verdict.DIFFERENT: "red",
        Verdict.NOT_EXERCISED: "yellow",
        Verdict.NOT_VERIFIED: "yellow",
        Verdict.EQUAL: "green",
    }[worst]
    return Segment(text=f"parwork: {', '.join(counts)}", markup=(colour, "bold"))


def _bad_counts(runs: list[RunReport]) -> list[str]:
    counts: list[str] = []
    for verdict in (Verdict.DIFFERENT, Verdict.LOST):
        if number := sum(case.verdict is verdict for run in runs for case in run.cases):
            counts.append(f"{number if counts else counted(number, 'case')} {verdict}")
    unexercised = sum(run.exercised is False for run in runs)
    if unexercised == len(runs):
        counts.append("NOT EXERCISED")
    elif unexercised:
        counts.append(f"{unexercised} of {len(runs)} runs NOT EXERCISED")
    return counts


def _rest_counts(runs: list[RunReport]) -> list[str]:
    """Return the count of equal cases if none is bad, and always those of unverified cases."""
    cases = [case for run in runs for case in run.cases]
    equal = [case.compared for case in cases if case.verdict is Verdict.EQUAL]
    skipped = sum(case.is_skipped for case in cases)
    unverified = sum(case.verdict is Verdict.NOT_VERIFIED for case in cases) - skipped
    outcomes = equal.count("outcomes")
    counts = []
    if equal and len(equal) + skipped == len(cases) and not _bad_counts(runs):
        counts.append("all equal to serial")
    elif equal and not _bad_counts(runs):
        counts.append(f"{len(equal)} equal to serial")
    if outcomes:
        few = outcomes < len(equal)
        counts.append(f"{outcomes} returned no value" if few else "no value returned")
    if unverified:
        counts.append(f"{unverified} not verified")
    if skipped:
        counts.append(f"{skipped} skipped")
    return counts


def _line(*parts: str | tuple[str, tuple[str, ...]]) -> Line:
    """Make a line from texts, with or without markup; empty ones are left out."""
    pairs = [(part, ()) if isinstance(part, str) else part for part in parts]
    return Line(segments=tuple(Segment(text=text, markup=mark) for text, mark in pairs if text))
