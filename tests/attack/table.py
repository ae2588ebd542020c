"""The results of the suite, rendered as a table, as Markdown, and as the text of a fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["VERDICTS", "Result", "as_markdown", "as_table", "fault_text"]

VERDICTS = ("survived", "own doing", "fault")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of one experiment.

    `is_second` if it was run again because it was late, `is_forked` if its session was not started
    by a new interpreter; `tail` is the end of its output if there is a fault.
    """

    name: str
    group: str
    backend: str
    seed: int
    verdict: str
    seconds: float
    baseline: float
    reasons: Sequence[str] = ()
    is_second: bool = False
    is_forked: bool = False
    shots: Sequence[str] = ()
    tail: str = ""

    @property
    def id(self) -> str:
        """The name of the experiment: `exit-1@joblib`."""
        return f"{self.name}@{self.backend}"


def counted(results: Sequence[Result]) -> Mapping[tuple[str, str], Counter[str]]:
    """Return the number of each verdict by group and backend."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for result in results:
        for group in (result.group, "all"):
            found.setdefault((group, result.backend), Counter())[result.verdict] += 1
    return found


def _rows(results: Sequence[Result]) -> list[list[str]]:
    backends = list(dict.fromkeys(result.backend for result in results))
    groups = [*dict.fromkeys(result.group for result in results), "all"]
    counts = counted(results)
    rows = [["", *backends]]
    for group in groups:
        cells = [counts.get((group, backend), Counter()) for backend in backends]
        rows.append([group, *(_cell(cell) for cell in cells)])
    return rows


def _cell(counts: Counter[str]) -> str:
    if not sum(counts.values()):
        return "-"
    return " / ".join(str(counts[verdict]) for verdict in VERDICTS)


def as_table(results: Sequence[Result]) -> str:
    """Return a table for the terminal: survived / own doing / fault."""
    rows = _rows(results)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            text.rjust(width) if at else text.ljust(width)
            for at, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join(["survived / own doing / fault", *lines])


def as_markdown(results: Sequence[Result]) -> str:
    """Return the same table in Markdown."""
    head, *rows = _rows(results)
    lines = [
        "| | " + " | ".join(f"`{name}`" for name in head[1:]) + " |",
        "|---|" + "---:|" * (len(head) - 1),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
    return "\n".join(lines)


def fault_text(result: Result) -> str:
    """Return the description of a fault, with the command that repeats it."""
    lines = [f"FAULT {result.id} ({result.seconds:.1f} s)"]
    lines += [f"  {reason}" for reason in result.reasons[:6]]
    lines += [f"  signal at {shot}" for shot in result.shots]
    only = f"--only {result.name} --backends {result.backend} --seed {result.seed}"
    only += "" if result.is_forked else " --fresh"
    return "\n".join([*lines, f"  again: python -m attack {only} --show"])
