"""The markers of an item and of the nodes around it, and their keywords merged."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ...model.errors import UsageError
from .options import KEYWORDS, MARK, is_own_strict, is_selftest, stress
from .varied import merge


def has_mark(node: pytest.Item) -> bool:
    """Return whether the node, or a node around it, has the marker."""
    return closest_mark(node, MARK) is not None


def is_only_listed(config: pytest.Config, items: Iterable[pytest.Item]) -> bool:
    """Return whether the items are collected for a list, and can be listed as they are.

    Options may add checks to them. Without a mark there is no mistake to find: what cannot be
    fanned out is plain.
    """
    if not config.getoption("collectonly"):
        return False
    if is_own_strict(config) or is_selftest(config) or stress(config):
        return False
    return not any(map(has_mark, items))


def closest_mark(node: pytest.Item | pytest.Collector, *names: str) -> pytest.Mark | None:
    """Return the closest mark of any of these names, None without one.

    `get_closest_marker` makes ten calls for that, which is too much to be asked for each case.
    """
    around: pytest.Item | pytest.Collector | None = node
    while around is not None:
        for mark in around.own_markers:
            if mark.name in names:
                return mark
        around = around.parent
    return None


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
