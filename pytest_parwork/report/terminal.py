"""The section of the terminal that shows a report."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from textwrap import wrap

from ..model.dataclass import dataclass
from ..model.listing import shorten
from .choice import Total, choose, total
from .data import Report, RunReport
from .figures import counted, duration, percent, ratio
from .notes import RunNote, equal_counts, notes
from .plain import list_plain
from .title import title_of
from .variants import Severity

#: Columns: where the notes start, where the serial seconds end, and the widths of what follows.
_INDENT = 16
_SERIAL_END = 42
_PARALLEL, _STARTUP, _SPEEDUP = 11, 10, 10
#: Columns of the bar that shows how much of something was reached, and of a note on two lines.
_BAR, _LONG = 32, 64

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
    """Return the section for a terminal of `width` columns; None if there is nothing to show.

    With a negative verbosity the section has only its title, and the reason of a NOT EXERCISED.
    """
    if not report.runs and not report.plain:
        return None
    title = title_of(report, None if verbosity < 0 else width, has_list=verbosity > 0)
    heading = Segment(text=title.text, markup=(title.colour, "bold"))
    if verbosity < 0:
        return Section(title=heading, lines=tuple(_reasons(report, width)))
    more = _wrapped(title.more, min(width, 80))
    lines = _lines(report, width=width, verbosity=verbosity)
    return Section(title=heading, lines=(*map(_line, more), *lines))


def _reasons(report: Report, width: int) -> Iterator[Line]:
    """Yield why runs were not exercised, below a title that cannot say it; each reason once."""
    reasons: dict[str, list[RunReport]] = {}
    found: dict[str, RunNote] = {}
    for run in report.runs:
        for note in notes(run):
            if note.kind == "not-exercised":
                reasons.setdefault(note.text, []).append(run)
                found[note.text] = note
    for text, runs in reasons.items():
        more = f" and {counted(len(runs) - 1, 'more run')}" if len(runs) > 1 else ""
        name = shorten(f"{runs[0].id} on {runs[0].label}", width - len(more), keep_end=True)
        yield _line(name, more)
        yield from _note(found[text], room=min(width, 80) - _INDENT)


def _lines(report: Report, *, width: int, verbosity: int) -> Iterator[Line]:
    workloads: dict[str, list[RunReport]] = {}
    for run in report.runs:
        workloads.setdefault(run.id, []).append(run)
    choice = choose(workloads, is_verbose=verbosity > 0)
    said = _Said(report.runs)
    for workload, runs in choice.shown.items():
        yield from _heading(workload, width, is_varied=runs[0].variation is not None)
        labels = [run.label for run in runs]
        for run in runs:
            # `joblib-2` and `joblib-auto` may both have got two workers.
            ambiguous = labels.count(run.label) > 1
            yield from _row(run, run.configuration_id if ambiguous else run.label)
            for note in notes(run, is_verbose=verbosity > 0):
                shown = said.once(note, run) if verbosity <= 0 else note
                yield from _note(shown, room=min(width, 80) - _INDENT)
        if len(runs) > 1 or runs[0].variation is not None:
            yield from _scaling(runs)
    if choice.remarks:
        yield from _heading(f"{len(workloads)} workloads in all", width)
        yield _total(total(report.runs))
        yield from (_line(" " * _INDENT, remark) for remark in choice.remarks)
    if verbosity > 0:
        yield from _sent(report.runs, width)
        yield from map(_line, list_plain(report.plain))


class _Said:
    """Shows a long reason once, with the number of runs that have it, and then refers to it."""

    def __init__(self, runs: Sequence[RunReport]) -> None:
        several = runs if len(runs) > 1 else ()
        self._counts = Counter(note.text for run in several for note in notes(run))
        self._first: dict[str, RunReport] = {}

    def once(self, note: RunNote, run: RunReport) -> RunNote:
        """Return the note of a run, or a short one in its place."""
        count = self._counts[note.text]
        if note.kind == "setting" or count < 2 or len(note.text) <= _LONG:
            return note
        first = self._first.setdefault(note.text, run)
        if first is run:
            return replace(note, text=f"{note.text} (in {count} runs)")
        head = re.split(r"[:;,] ", note.text, maxsplit=1)[0]
        test = "" if first.id == run.id else f"in {first.id.rpartition('::')[2]} "
        return replace(note, text=f"{head}, as {test}on {first.label}")


def _note(note: RunNote, *, room: int) -> Iterator[Line]:
    """Yield a note, each line at most `room` wide."""
    text = note.text
    if note.reached is not None:
        bar = ("#" * round(min(note.reached, 1) * _BAR)).ljust(_BAR, "-")
        text = f"{text}  [{bar}] {percent(note.reached)} reached"
    for line in _wrapped(text, room):
        yield _line(" " * _INDENT, (line, _COLOURS[note.severity]))


def _wrapped(text: str, room: int) -> list[str]:
    return wrap(text, room, break_long_words=False, break_on_hyphens=False)


def _scaling(runs: Iterable[RunReport]) -> Iterator[Line]:
    """Yield a table of the speed by the number of workers, where that is what varies."""
    from .scaling import rows, scalings  # most sessions have one configuration

    for scaling in scalings(runs):
        table = list(rows(scaling))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for cells in table:
            first, *rest = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
            yield _line(f"  {first.strip():<{widths[0]}}  {'  '.join(rest)}")
        if scaling.law:
            yield _line(f"  {scaling.law}")


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
    for line in _wrapped(", ".join(files), width - 2):
        yield _line(f"  {line}")


def _heading(workload: str, width: int, *, is_varied: bool = False) -> Iterator[Line]:
    """Yield the id and the names of the columns, on two lines if the id is long."""
    name = shorten(workload, width, keep_end=True)
    left, right = ("reference", "varied") if is_varied else ("serial", "parallel")
    if len(name) > _SERIAL_END - len(left) - 1:
        yield _line((name, ("bold",)))
        name = ""
    columns = f"{right:>{_PARALLEL}}{'start-up':>{_STARTUP}}{'speed-up':>{_SPEEDUP}}"
    yield _line((name, ("bold",)), f"{left:>{_SERIAL_END - len(name)}}{columns}")


def _row(run: RunReport, label: str) -> Iterator[Line]:
    """Yield the number of equal values and the times, on two lines if the label is long."""
    timing = run.timing
    serial = duration(timing.serial)
    name = f"  {label}".ljust(_INDENT - 1) + " "
    equal, compared = equal_counts(run)[0]
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


def _total(found: Total) -> Line:
    speedup = ratio(found.speedup)
    return _line(
        f"{duration(found.serial):>{_SERIAL_END}}"
        f"{duration(found.parallel):>{_PARALLEL}}"
        f"{duration(found.startup):>{_STARTUP}}"
        f"{speedup if found.reliable or speedup == '-' else f'~{speedup}':>{_SPEEDUP}}"
    )


def _line(*parts: str | tuple[str, tuple[str, ...]]) -> Line:
    """Make a line from texts, with or without markup; empty ones are left out."""
    pairs = [(part, ()) if isinstance(part, str) else part for part in parts]
    return Line(segments=tuple(Segment(text=text, markup=mark) for text, mark in pairs if text))
