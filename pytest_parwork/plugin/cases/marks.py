"""The marks of a case as they travel, for fixtures that ask `request` for them."""

from __future__ import annotations

import pytest

from ...transport.culprit import explain
from ...transport.pickling import dumps
from ...worker.fixtures.recipe import SentMark

__all__ = ["Marks"]


class Marks:
    """Makes marks ready to travel, each once: cases of a test share most of theirs."""

    def __init__(self) -> None:
        self._sent: dict[int, SentMark] = {}

    def of(self, item: pytest.Item) -> tuple[SentMark, ...]:
        """Return the marks of an item, the closest first."""
        return tuple(self._ready(mark) for mark in item.iter_markers())

    def _ready(self, mark: pytest.Mark) -> SentMark:
        if id(mark) not in self._sent:  # its item keeps it for as long as the session lasts
            self._sent[id(mark)] = _send(mark)
        return self._sent[id(mark)]


def _send(mark: pytest.Mark) -> SentMark:
    if mark.name == "parametrize":  # with all values of all cases, once for each of them
        return SentMark(mark.name, "take its values as arguments of the test")
    holds = (mark.args, dict(mark.kwargs))
    try:
        return SentMark(mark.name, dumps(holds))
    except Exception as error:
        return SentMark(mark.name, f"it cannot be sent: {explain(holds, error)}")
