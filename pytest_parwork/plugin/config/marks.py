"""The marks of an item and of the nodes around it: ours, with their keywords, and their like.

It is light, because every pytest run asks for marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pytest

from ...model.errors import UsageError
from .options import KEYWORDS, MARK, is_listing

#: From this ratio of `difflib` on, another name is taken for a misspelled one: one letter.
ALIKE = 0.85


def closest_mark(node: pytest.Item | pytest.Collector, *names: str) -> pytest.Mark | None:
    """Return the closest mark of any of these names, None without one.

    `get_closest_marker` makes ten calls for that, which is too much to be asked for each item.
    """
    around: pytest.Item | pytest.Collector | None = node
    while around is not None:
        for mark in around.own_markers:
            if mark.name in names:
                return mark
        around = around.parent
    return None


def has_mark(node: pytest.Item) -> bool:
    """Return whether the node, or a node around it, has the marker."""
    return closest_mark(node, MARK) is not None


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
    from .varied import merge  # a session without marks checks none

    merged: dict[str, object] = {}
    for mark in marks(node):
        if mark.args:
            raise UsageError(
                f"parwork takes keywords only, not {mark.args[0]!r}; known: {', '.join(KEYWORDS)}"
            )
        merged = merge(merged, mark.kwargs)
    return merged


def is_only_listed(config: pytest.Config, items: Iterable[pytest.Item]) -> bool:
    """Return whether the items are collected for a list, and can be listed as they are.

    Without a mark there is no mistake to find: what cannot be fanned out is plain.
    """
    return is_listing(config) and not any(map(has_mark, items))


def near_misses(config: pytest.Config, items: Sequence[pytest.Item]) -> Iterator[str]:
    """Yield why a mark that looks like ours, and is not registered, is a mistake.

    pytest only warns of it, and the test would pass without any comparison.
    """
    around = items[0].iter_markers() if items else ()
    names = {mark.name for item in items for mark in item.own_markers}
    for name in names.union(mark.name for mark in around):
        plain = name.lower().replace("_", "")
        # Most names are let through by the cheapest of the questions.
        if name == MARK or plain[:1] != MARK[0] or abs(len(plain) - len(MARK)) > 2:
            continue
        from difflib import SequenceMatcher  # most suites have no mark that begins like ours

        if SequenceMatcher(None, plain, MARK).ratio() < ALIKE:
            continue
        registered = (line.partition(":")[0].partition("(")[0] for line in config.getini("markers"))
        if name not in map(str.strip, registered):
            yield (
                f"{items[0].nodeid}: unknown mark {name!r}; is it {MARK!r}? If not, register it in "
                f"the ini option 'markers'"
            )
