"""Texts and tables that fit a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from textwrap import wrap

__all__ = ["WIDTH", "columns", "pad", "shorten", "tabulate"]

WIDTH = 80
#: Columns before the first and between two columns of a table.
MARGIN, GAP = 2, 4


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: two for a wide character, or none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "FW" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)


def pad(text: str, width: int) -> str:
    """Fill a text up to so many columns."""
    return text + " " * (width - columns(text))


def shorten(text: str, width: int, *, keep_end: bool = False) -> str:
    """Bring `text` on one line of at most `width`, its middle (or its start) left out.

    Two values that differ often do so in their last digits, so an end alone says too little.
    """
    text = " ".join(text.split())
    if len(text) <= width:
        return text
    room = max(width - 3, 2)
    tail = room if keep_end else room // 2
    return f"{text[: room - tail]}...{text[-tail:]}"


def tabulate(
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int = WIDTH,
    lines: int | None = None,
) -> tuple[str, int]:
    """Return rows of texts under the names of their columns, and how many rows these are.

    Columns stand side by side where there is room, else one below the other. There are as many
    rows as fit in so many `lines`, at least one; all of them without a limit.
    """
    shown = rows[: None if lines is None else max(lines - 1, 1)]
    table = [names, *shown]
    widths = [max(map(columns, column)) for column in zip(*table, strict=True)]
    is_broken = any("\n" in text for row in shown for text in row)
    if MARGIN + sum(widths) + GAP * (len(widths) - 1) <= width and not is_broken:
        margin, gap = " " * MARGIN, " " * GAP
        told = [margin + gap.join(map(pad, row, widths)).rstrip() for row in table]
        return "\n".join(told), len(shown)
    stacks = ["\n".join(_stack(names, row, width)) for row in shown]
    while lines is not None and len(stacks) > 1 and count_lines(stacks) > lines:
        stacks.pop()
    return "\n\n".join(stacks), len(stacks)


def count_lines(stacks: Sequence[str]) -> int:
    return sum(stack.count("\n") + 2 for stack in stacks) - 1


def _stack(names: Sequence[str], row: Sequence[str], width: int) -> Iterator[str]:
    left = max(map(len, names))
    room = max(width - left - MARGIN - GAP, 20)
    for name, text in zip(names, row, strict=True):
        lines = [part for line in text.splitlines() for part in wrap(line, room)]
        for number, line in enumerate(lines):
            yield f"{' ' * MARGIN}{'' if number else name:<{left}}{' ' * GAP}{line}"
