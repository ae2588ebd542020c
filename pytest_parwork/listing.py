"""Tables that fit a terminal: side by side where there is room, else one below the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

__all__ = ["WIDTH", "tabulate"]

WIDTH = 80
#: Columns before the first and between two columns of a table.
MARGIN, GAP = 2, 4


def tabulate(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows of texts under the names of their columns."""
    table = [names, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    width = MARGIN + sum(widths) + GAP * (len(widths) - 1)
    if width <= WIDTH and not any("\n" in text for row in table for text in row):
        margin, gap = " " * MARGIN, " " * GAP
        return "\n".join(margin + gap.join(map(str.ljust, row, widths)).rstrip() for row in table)
    return "\n\n".join("\n".join(_stack(names, row)) for row in rows)


def _stack(names: Sequence[str], row: Sequence[str]) -> Iterator[str]:
    width = max(map(len, names))
    room = WIDTH - width - MARGIN - GAP
    for name, text in zip(names, row, strict=True):
        lines = [part for line in text.splitlines() for part in wrap(line, room)]
        for number, line in enumerate(lines):
            yield f"{' ' * MARGIN}{name if number == 0 else '':<{width}}{' ' * GAP}{line}"
