"""The relation `exact` as a table of pairs, by subject."""

from __future__ import annotations

from collections.abc import Mapping

from . import arrays, holders, objects, outcomes, singles, standard
from .row import Row

__all__ = ["OUTCOMES", "VALUES", "Row"]


def index(*groups: tuple[Row, ...]) -> Mapping[str, Row]:
    """Return rows by name; ValueError for a name that two have."""
    rows = [row for group in groups for row in group]
    table = {row.name: row for row in rows}
    if len(table) < len(rows):
        names = [row.name for row in rows]
        raise ValueError(f"names given twice: {sorted({n for n in names if names.count(n) > 1})}")
    return table


VALUES = index(singles.ROWS, holders.ROWS, objects.ROWS, arrays.ROWS, standard.ROWS)
OUTCOMES = index(outcomes.ROWS)
