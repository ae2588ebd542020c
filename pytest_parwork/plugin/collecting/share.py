"""The cases that pytest-xdist sent to this process: no others run here."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ..cases.groups import CASE, Case
from ..cases.matrix import TestKey, WideKey, key_of, workload_key
from .checks import Check


class Share:
    """The items that the controller sent to this process, by xdist's numbers."""

    def __init__(self, session: pytest.Session) -> None:
        self._numbers: dict[pytest.Item, int] = {}
        self._given: set[int] = set()
        given = getattr(session.config, "workerinput", None)
        if given is None:
            return
        from ..session.distribution import CHANNEL

        channel = given.get(CHANNEL)
        if channel is not None:
            self._numbers = {item: number for number, item in enumerate(session.items)}
            channel.setcallback(self._given.update)
            channel.send(_workloads(session.items))

    def has(self, case: Case) -> bool:
        """Return whether the case was sent to this process; without xdist all are."""
        return not self._given or self._numbers[case.item] in self._given


def _workloads(items: Iterable[pytest.Item]) -> dict[int, int]:
    """Return the number of each item's workload; a check belongs to the workload it judges.

    All configurations of a test have one number, because they share the serial run. So have all
    variants and calls of a test that are perturbed together.
    """
    from ..variants.cases import VARIED

    items = list(items)
    perturbed = {
        item.key[:2]
        for item in items
        if isinstance(item, Check) and item.kind == "stress" and isinstance(item.key, TestKey)
    }
    numbers: dict[tuple[object, ...], int] = {}
    found: dict[int, int] = {}
    for number, item in enumerate(items):
        if CASE in item.stash:
            place: tuple[object, ...] = workload_key(item.stash[CASE].item, item.stash[CASE].plan)
        elif isinstance(item, pytest.Function) and key_of(item)[:2] in perturbed:
            place = key_of(item)
        elif VARIED in item.stash:  # each case is a workload: its variants have one reference
            place = (item.parent, item.stash[VARIED].siblings.id)
        elif isinstance(item, Check):
            place = item.key
        else:
            continue
        if isinstance(place, TestKey | WideKey):  # without the configuration
            place = place[:2] if isinstance(place, TestKey) else place[:1]
        found[number] = numbers.setdefault(place, len(numbers))
    return found
