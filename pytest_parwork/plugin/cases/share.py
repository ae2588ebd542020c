"""What a process of pytest-xdist has been given of all cases, to send these and no others."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ..session.distribution import CHANNEL
from .checks import Check
from .groups import CASE, Case


class Share:
    """The items that this process was told of, by the numbers that xdist gives them."""

    def __init__(self, session: pytest.Session) -> None:
        self._numbers: dict[pytest.Item, int] = {}
        self._given: set[int] = set()
        channel = getattr(session.config, "workerinput", {}).get(CHANNEL)
        if channel is not None:
            self._numbers = {item: number for number, item in enumerate(session.items)}
            channel.setcallback(self._given.update)
            channel.send(_workloads(session.items))

    def has(self, case: Case) -> bool:
        """Return whether the case was given to this process; all are where nobody tells."""
        return not self._given or self._numbers[case.item] in self._given


def _workloads(items: Iterable[pytest.Item]) -> dict[int, int]:
    """Number the workloads, and return that of each item, checks with the cases they judge.

    All configurations together: they share the serial run.
    """
    numbers: dict[tuple[object, str], int] = {}
    found: dict[int, int] = {}
    for number, item in enumerate(items):
        if CASE in item.stash:
            place: tuple[object, str] = (item.parent, item.stash[CASE].item.originalname)
        elif isinstance(item, Check):
            place = (item.parent, item.function_name)
        else:
            continue
        found[number] = numbers.setdefault(place, len(numbers))
    return found
