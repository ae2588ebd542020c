"""Texts and tables that fit a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from textwrap import wrap

WIDTH = 80
#: Spaces before the first column of a table, and between two columns.
MARGIN, GAP = 2, 4


def columns(text: str) -> int:
    """Return the width of a text in a terminal: two for a wide character, none for a combining."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "FW" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)


def pad(text: str, width: int) -> str:
    """Pad a text with spaces to `width` columns."""
    return text + " " * (width - columns(text))


def shorten(text: str, width: int, *, keep_end: bool = False) -> str:
    """Shorten `text` to one line of at most `width` columns by omitting its middle (or its start).

    Two values that differ often do so in their last digits, so the beginning would not be enough.
    """
    text = " ".join(text.split())
    if columns(text) <= width:
        return text
    room = max(width - 3, 2)
    tail = room if keep_end else room // 2
    return f"{cut(text, room - tail)}...{cut(text[::-1], tail)[::-1]}"


def cut(text: str, width: int) -> str:
    """Return the longest start of a text that fits into `width` columns."""
    if text.isascii():
        return text[:width]
    ends = (end for end in range(len(text), -1, -1) if columns(text[:end]) <= width)
    return text[: next(ends)]


def tabulate(
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int = WIDTH,
    lines: int | None = None,
) -> str:
    """Return rows of texts under the names of their columns.

    Rows that are too wide for that are written with one text below the other; they are shortened
    instead if that would take more than `lines` lines.
    """
    table = [names, *rows]
    widths = [max(map(columns, column)) for column in zip(*table, strict=True)]
    room = width - MARGIN - GAP * (len(names) - 1)
    if sum(widths) > room or any("\n" in text for row in rows for text in row):
        stacks = "\n\n".join("\n".join(_stack(names, row, width)) for row in rows)
        if lines is None or len(rows) == 1 or stacks.count("\n") < lines:
            return stacks
        most = next(
            most for most in range(room, 0, -1) if sum(min(w, most) for w in widths) <= room
        )
        table = [[shorten(text, most) for text in row] for row in table]
        widths = [min(width, most) for width in widths]
    margin, gap = " " * MARGIN, " " * GAP
    return "\n".join(margin + gap.join(map(pad, row, widths)).rstrip() for row in table)


def _stack(names: Sequence[str], row: Sequence[str], width: int) -> Iterator[str]:
    left = max(map(len, names))
    room = max(width - left - MARGIN - GAP, 20)
    for name, text in zip(names, row, strict=True):
        lines = [part for line in text.splitlines() for part in wrap(line, room)]
        for number, line in enumerate(lines):
            yield f"{' ' * MARGIN}{'' if number else name:<{left}}{' ' * GAP}{line}"
