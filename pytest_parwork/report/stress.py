"""What the perturbed runs of a workload gave, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from textwrap import wrap
from typing import Literal

from ..model.dataclass import dataclass
from ..model.listing import shorten
from ..model.outcome import Verdict
from .figures import counted

#: Most columns for a value in the table of outcomes, and most values of a case.
_LONGEST, _MOST = 40, 6

#: Columns of the table.
_WIDTH = 80

#: How bad a note is, as in the notes of a run.
Severity = Literal["error", "warning", "info"]

_BAD = (Verdict.DIFFERENT, Verdict.LOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class StressRun:
    """One perturbed run: its `row` as it is written in a command, and the numbers of its tasks.

    `values` are the texts of what its worst case gave, each with its number of tasks; `case` is the
    id of that case. `first` is the first line of its message. `note` says what is no failure: why
    it could not be run, or that a task writes into its input.
    """

    row: str
    verdict: Verdict
    seconds: float = 0.0
    equal: int = 0
    different: int = 0
    lost: int = 0
    case: str = ""
    expected: str = ""
    values: Mapping[str, int] = field(default_factory=dict)
    first: str = ""
    note: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether it fails."""
        return self.verdict in _BAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Stress:
    """All perturbed runs of a workload: how they were asked for, and the `seed` of their rows.

    `left` is the number of rows for which there was no time, `reference` the name of what they are
    compared with. `why` says why there are none.
    """

    asked: str
    seed: int
    runs: tuple[StressRun, ...] = ()
    left: int = 0
    reference: str = "serial"
    why: str = ""

    @property
    def bad(self) -> Sequence[StressRun]:
        """The runs that fail."""
        return [run for run in self.runs if run.is_bad]


def in_words(row: str) -> str:
    """Say what is perturbed in a run; its seed matters only to whoever repeats it."""
    found = []
    for part in row.split(","):
        name, _, value = part.partition("=")
        one = value == "1"
        found.append(
            {
                "backend": value,
                "workers": f"{value} worker{'' if one else 's'}",
                "chunk": f"batches of {value}",
                "order": value if value.isalpha() else f"order {value}",
                "hash": f"hash seed {value}",
                "threads": f"{value} native thread{'' if one else 's'}",
                "pauses": "pauses",
                "meets": f"each case {value} times",
                "crowd": f"each case in {value} threads",
                "readonly": "read-only input",
                "jobs": f"{value} workers in the code under test",
                "reseed": "another seed",
            }.get(name, "")
        )
    return ", ".join(filter(None, found))


def stress_notes(stress: Stress | None) -> Iterator[tuple[Severity, str]]:
    """Yield what the perturbed runs have shown."""
    if stress is None:
        return
    if stress.why:
        yield "info", f"stress: not perturbed, because {stress.why}"
        return
    ran = [run for run in stress.runs if run.verdict is not Verdict.NOT_SENT]
    bad, name = stress.bad, stress.reference
    left = f", no time for {stress.left} more" if stress.left else ""
    runs = counted(len(ran), "perturbed run")
    if bad:
        yield (
            "error",
            f"stress: {len(bad)} of {runs} not equal to {name}, first: {in_words(bad[0].row)}",
        )
    elif ran:
        yield "info", f"stress: {runs}, all equal to {name} (seed {stress.seed}{left})"
    for note in dict.fromkeys(run.note for run in stress.runs if run.note):
        yield "info", f"stress: {note}"


def stress_message(stress: Stress, command: str) -> str:
    """Return the failure text: the first bad run, all runs with their counts, the outcomes."""
    worst = stress.bad[0]
    runs = counted(sum(run.verdict is not Verdict.NOT_SENT for run in stress.runs), "perturbed run")
    head = f"{worst.verdict} in {len(stress.bad)} of {runs}: "
    first = worst.first if len(head) + len(worst.first) <= _WIDTH else ""
    # Both values are below; a line that is cut in the middle of them says less.
    lines = [f"{head}{first or worst.case.rpartition('::')[2]}", "", *_table(stress.runs)]
    lines += ["", *_outcomes(stress, worst), "", f"  again    {command}"]
    return "\n".join(lines)


def _table(runs: Sequence[StressRun]) -> Iterator[str]:
    rows = [("run", "equal", "different", "lost", "values", "what was perturbed")]
    for number, run in enumerate(runs, start=1):
        if run.verdict is Verdict.NOT_SENT:
            rows.append((f"{number}", "-", "-", "-", "-", f"{in_words(run.row)} ({run.note})"))
        else:
            distinct = len({*run.values, *([run.expected] if run.equal else [])})
            counts = f"{run.equal}", f"{run.different}", f"{run.lost}", f"{distinct or 1}"
            rows.append((f"{number}", *counts, in_words(run.row)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    left = sum(widths) + 2 * len(widths) + 2
    for *numbered, text in rows:
        cells = (cell.rjust(width) for cell, width in zip(numbered, widths, strict=True))
        first, *more = wrap(text, _WIDTH - left) or [""]
        yield f"  {'  '.join(cells)}  {first}"
        yield from (f"{'':{left}}{line}" for line in more)


def _outcomes(stress: Stress, worst: StressRun) -> Iterator[str]:
    """Yield the distinct values of the worst case, with the runs that gave each."""
    expected = f": {stress.reference} {shorten(worst.expected, _LONGEST)}"
    yield f"  {worst.case.rpartition('::')[2]}{expected if worst.expected else ''}"
    found: dict[str, list[str]] = {}
    for number, run in enumerate(stress.runs, start=1):
        for text, times in run.values.items() if run.case == worst.case else ():
            more = f" ({times} times)" if times > 1 else ""
            found.setdefault(text, []).append(f"{number}{more}")
    for text, places in list(found.items())[:_MOST]:
        noun = "run" if len(places) == 1 else "runs"
        yield f"    {shorten(text, _LONGEST)} in {noun} {', '.join(places)}"
