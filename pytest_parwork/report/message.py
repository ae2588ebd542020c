"""What a failing case says: where its outcomes differ, or why it has none."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from textwrap import indent, wrap
from typing import Any

from ..comparison import Mismatch
from .entries import CaseEntry
from .figures import counted, duration, shorten

__all__ = ["lost_message", "mismatch_message"]

WIDTH = 80
#: Columns before what a row says.
INDENT = 11
#: More mismatches than these tell nothing more.
SHOWN = 10

#: Why a lost case is not run serially in this process.
NOT_RUN = {
    "crash": "it would take pytest with it",
    "timeout": "it would hold up all that follow",
    "interrupted": "the session was interrupted",
    "backend": "it has no workers",
}


def mismatch_message(
    case: CaseEntry, *, configuration: str, workload: str, traceback: str = ""
) -> str:
    """Return the failure text of a DIFFERENT case.

    `configuration` names it in few characters (`joblib-2`), `workload` is its node id without
    parameters, `traceback` the text from the worker where the function raised there only.
    """
    first = _first_line(case.mismatches, configuration)
    parts = [first]
    if not _says_all(first, case):
        parts.append(_mismatches(case, configuration))
    if traceback:
        parts.append(f"  in its worker:\n{indent(traceback.rstrip(), '    ')}")
    parts.append(
        f"  again    {_command(workload)}\n  serially {_command(case.id, '--parwork-serial')}"
    )
    return "\n\n".join(parts)


def lost_message(case: CaseEntry, *, others: tuple[int, int] | None = None) -> str:
    """Return the failure text of a LOST case.

    `others` says how many other cases of the run have an outcome, and how many there are.
    """
    lost = case.lost or {}
    reason = lost.get("reason", "")
    rows = [(f"try {n}", _try(one)) for n, one in enumerate(lost.get("tries", ()), start=1)]
    rows += [
        ("stack" if n == 0 else "", shorten(frame, WIDTH - INDENT, keep_end=True))
        for n, frame in enumerate(lost.get("stack", ()))
    ]
    if lost.get("leg") != "serial":
        why = NOT_RUN.get(reason, "it has no outcome to compare with")
        rows.append(("serial", f"not run: {why}. To try it all the same:"))
        rows.append(("", _command(case.id, "--parwork-serial")))
    if others is not None:
        kept, count = others
        how_many = "all" if kept == count else f"{kept} of"
        rows.append(("others", f"{how_many} {counted(count, 'other case')} kept their outcomes"))
    first = f"LOST: {lost.get('detail', 'its outcome never came')}"
    return "\n".join([first, "", *(f"  {name:<{INDENT - 2}}{text}" for name, text in rows)])


def _try(one: Mapping[str, Any]) -> str:
    """Tell of one time that a case was run and did not come to its end."""
    process = f"pid {one['pid']}, " if one["pid"] is not None else ""
    alone = "alone, " if one["is_alone"] else ""
    return f"{process}{alone}after {duration(one['seconds'])}"


def _first_line(mismatches: Sequence[Mismatch], configuration: str) -> str:
    """Name the first mismatch; pytest's short summary shows the start of this line."""
    if not mismatches:
        return "DIFFERENT"
    first = mismatches[0]
    place = f" at {shorten(first.path, 20)}" if first.path else ""
    room = (WIDTH - len(f"DIFFERENT{place}: serial , {configuration} ")) // 2
    # What one value leaves free the other may use.
    spare = [max(room - len(text), 0) for text in (first.actual, first.expected)]
    expected = shorten(first.expected, max(room, 8) + spare[0])
    actual = shorten(first.actual, max(room, 8) + spare[1])
    return f"DIFFERENT{place}: serial {expected}, {configuration} {actual}"


def _says_all(first_line: str, case: CaseEntry) -> bool:
    """True if a table would only repeat the first line."""
    if case.mismatch_count > 1 or not case.mismatches:
        return not case.mismatches
    only = case.mismatches[0]
    texts = (only.path, only.actual, only.expected)
    return not _difference(only) and all(text in first_line for text in texts)


def _mismatches(case: CaseEntry, configuration: str) -> str:
    """Tell the mismatches as a table, or one below the other where that is too wide."""
    shown = case.mismatches[:SHOWN]
    table = [
        ("path", "serial", configuration, "difference"),
        *((m.path or "the value", m.expected, m.actual, _difference(m)) for m in shown),
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    if sum(widths) + 14 <= WIDTH and not any("\n" in text for row in table for text in row):
        lines = ["  " + "    ".join(map(str.ljust, row, widths)).rstrip() for row in table]
    else:
        lines = ["\n".join(_stacked(m, configuration)) + "\n" for m in shown]
        lines[-1] = lines[-1].rstrip("\n")
    if case.mismatch_count > len(shown):
        lines.append(f"  ... and {case.mismatch_count - len(shown)} more")
    return "\n".join(lines)


def _stacked(mismatch: Mismatch, configuration: str) -> Iterator[str]:
    rows = {
        "path": mismatch.path or "the value",
        "serial": mismatch.expected,
        configuration: mismatch.actual,
        "difference": _difference(mismatch),
    }
    width = max(map(len, rows))
    for name, text in rows.items():
        lines = [part for line in text.splitlines() for part in wrap(line, WIDTH - width - 6)]
        for number, line in enumerate(lines):
            yield f"  {name if number == 0 else '':<{width}}    {line}"


def _difference(mismatch: Mismatch) -> str:
    """Tell how far apart the two are, or of what kind the mismatch is unless both show it."""
    shown = {"value", "outcome", "exception"}
    return mismatch.difference or ("" if mismatch.kind in shown else mismatch.kind)


def _command(node_id: str, *options: str) -> str:
    """Return a command for the shell that runs the node."""
    # Double quotes are understood by every shell, as long as the id is plain.
    plain = not set(node_id) & set('"$`\\!%')
    quoted = f'"{node_id}"' if plain else shlex.quote(node_id)
    return " ".join(["pytest", quoted, *options])
