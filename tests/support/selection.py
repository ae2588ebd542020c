"""Which tests run daily, and which of the others a sample takes.

A question that is asked of many backends is asked daily of the cheap ones and of one other, which
the question itself chooses: so the daily set is fixed, and each backend has its share of it. All
other combinations are marked `sweep`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256
from typing import Any, TypeVar

import pytest
from carrier import SWEPT

from pytest_parwork.backends import bundled

#: The parameters of tests that may name a backend.
NAMES = ("name", "backend")

#: Fixtures that keep one run of a backend for all tests of a module, which make one question.
SHARED = {"survey", "tour"}

#: The backends of which every question is asked daily: together a second for the whole contract.
CHEAP = {"serial", "threads", "processes:fork"}

#: The families of backends, in the names of which a method follows.
FAMILIES = {name.partition(":")[0] for name in bundled()}

#: How many other backends a question is asked of daily.
OTHERS = 1

#: A module of tests lists in this variable what is asked daily in addition.
ALSO = "ALSO_DAILY"

Item = TypeVar("Item")


def mark_sweep(items: Iterable[pytest.Item]) -> None:
    """Mark the tests that do not run daily."""
    questions: dict[str, list[pytest.Item]] = {}
    for item in items:
        if backend_of(item) and not item.get_closest_marker("sweep"):
            questions.setdefault(question_of(item), []).append(item)
    for question, asked in questions.items():
        also = getattr(getattr(asked[0], "module", None), ALSO, ())
        daily = daily_of(question, {backend_of(item) for item in asked}, also=also)
        for item in asked:
            if backend_of(item) not in daily:
                item.add_marker("sweep")


def backend_of(item: pytest.Item) -> str:
    """Return the backend that a test asks, empty where its parameters name none."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    asked = [value for name in NAMES if isinstance(value := params.get(name), str)]
    return next((value for value in asked if value.partition(":")[0] in FAMILIES), "")


def question_of(item: pytest.Item) -> str:
    """Return what the tests have in common that differ in their backend alone."""
    if not SHARED.isdisjoint(getattr(item, "fixturenames", ())):
        return item.nodeid.partition("::")[0]
    spec: Any = getattr(item, "callspec")  # noqa: B009, only parametrized functions have it
    others = sorted((name, at) for name, at in spec.indices.items() if name not in NAMES)
    return f"{item.nodeid.removesuffix(f'[{spec.id}]')} {others}"


def daily_of(question: str, names: Collection[str], *, also: Collection[str] = ()) -> set[str]:
    """Return the backends, out of these names, of which the question is asked daily."""
    always = {name for name in names if name in CHEAP or name in also}
    rest = sorted(set(names) - SWEPT - always)
    return always | set(sampled(rest, OTHERS, seed=question))


def sampled(items: Sequence[Item], number: int, *, seed: str, key: str = "") -> list[Item]:
    """Return so many items in their order, chosen by the seed; each by itself, whatever others are.

    An item is known by its text, or by the attribute that `key` names.
    """

    def rank(item: Item) -> bytes:
        text = getattr(item, key) if key else item
        return sha256(f"{seed}\0{text}".encode()).digest()

    chosen = sorted(range(len(items)), key=lambda at: rank(items[at]))[:number]
    return [items[at] for at in sorted(chosen)]
