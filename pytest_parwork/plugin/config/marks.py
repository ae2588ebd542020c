"""The markers of an item and of the nodes around it, and their keywords merged."""

from __future__ import annotations

import pytest

from ...model.errors import UsageError
from .options import KEYWORDS, MARK
from .varied import merge


def marks(node: pytest.Item) -> list[pytest.Mark]:
    """Return all markers of the node, the closest one last."""
    found: list[pytest.Mark] = []
    around: pytest.Item | pytest.Collector | None = node
    while around is not None:
        if around.own_markers:  # most nodes have none
            found += [mark for mark in reversed(around.own_markers) if mark.name == MARK]
        around = around.parent
    found.reverse()
    return found


def marker_keywords(node: pytest.Item) -> dict[str, object]:
    """Merge the keywords of all markers: `pytest.param` and `add_marker` over function over class.

    `get_closest_marker` would return those of the function, although a parameter's mark is closer.
    """
    merged: dict[str, object] = {}
    for mark in marks(node):
        if mark.args:
            raise UsageError(
                f"parwork takes keywords only, not {mark.args[0]!r}; known: {', '.join(KEYWORDS)}"
            )
        merged = merge(merged, mark.kwargs)
    return merged
