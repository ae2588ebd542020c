"""The lanes of a run: cases that share a resource run one after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from ...model.errors import UsageError
from ..cases.groups import CASE, Case
from ..cases.plain import PLAIN
from ..config.marks import has_mark
from ..config.settings import settings_of


def lanes_of(cases: Sequence[Case]) -> Mapping[int, int]:
    """Return the lane of each case that names a resource, by numbers; the others have none.

    Cases are in one lane if they share a resource, also by way of others: of three with the
    resources a, a and b, and b, all are.
    """
    lanes: dict[int, int] = {}
    first: dict[str, int] = {}  # the lane of each resource
    for number, case in enumerate(cases):
        if not case.plan.exclusive:
            continue
        known = {first[name] for name in case.plan.exclusive if name in first}
        lane = min(known, default=number)
        for other, its in lanes.items() if len(known) > 1 else ():
            if its in known:
                lanes[other] = lane
        for name, its in first.items():
            if its in known:
                first[name] = lane
        first.update(dict.fromkeys(case.plan.exclusive, lane))
        lanes[number] = lane
    return lanes


def most_at_once(cases: Sequence[Case]) -> int | None:
    """Return how many of the cases could run at the same time; None if nothing limits them."""
    lanes = lanes_of(cases)
    return len(cases) - len(lanes) + len(set(lanes.values())) if lanes else None


def resources_of(item: pytest.Item) -> tuple[str, ...]:
    """Return the resources of an item, for its serial run; those of a plain one as well."""
    if CASE in item.stash:
        return item.stash[CASE].plan.exclusive
    if PLAIN not in item.stash or not isinstance(item, pytest.Function) or not has_mark(item):
        return ()
    try:
        names: tuple[str, ...] = settings_of(item).values["exclusive"]
    except UsageError:
        return ()
    return names
