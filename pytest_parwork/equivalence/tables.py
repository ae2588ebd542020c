"""Rows that are alike, turned into columns: a list of records is digested as a few long lists."""

from __future__ import annotations

from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from .readings import TEXT, Parts

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["tabulate"]

#: So many rows at least, and so many for each column, make it worth the while.
ROWS = 16
RATIO = 4


def tabulate(values: Sequence[object], widest: int) -> Parts | None:
    """Return dicts of the same text keys, or lists or tuples of one length, as columns.

    None for other values, which are digested one by one. Only what equal values share decides, so
    that they are always taken in the same form: neither the order of keys nor what is shared.
    """
    if len(values) < ROWS:
        return None
    (cls, *others) = set(map(type, values))
    if others or cls not in (dict, list, tuple):
        return None
    rows: Sequence[Any] = values
    width = len(rows[0])
    if not 0 < width <= min(widest, len(rows) // RATIO) or set(map(len, rows)) != {width}:
        return None
    names: Sequence[Any] = range(width)
    if cls is dict:
        if not TEXT.issuperset(map(type, chain.from_iterable(rows))):
            return None
        if len(set(map(frozenset, set(map(tuple, rows))))) > 1:
            return None
        names = sorted(rows[0])
    columns = [Parts("column", list(map(itemgetter(name), rows))) for name in names]
    return Parts([cls.__name__, list(names)], columns)
