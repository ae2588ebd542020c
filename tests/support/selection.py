"""Which tests run daily, and which of the others a sample takes.

A question that is asked of many backends is asked daily of some, and of one other, which the
question itself chooses: so the daily set is fixed, and each backend has its share of it. All
other combinations are marked `sweep`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import TypeVar

import pytest

from pytest_parwork.backends import bundled
from support.carrier import JOINED, SWEPT

#: The parameters of tests that may name a backend.
NAMES = ("name", "backend")

#: Fixtures that keep one run of a backend for all tests of a module, which make one question.
SHARED = {"survey", "tour"}

#: The backends of which every question is asked daily: those that cost next to nothing, and the
#: default one, whose workers inherit nothing.
ALWAYS = {"serial", "threads", "joblib:threading", "processes:fork", "joblib:loky"}

#: The families of backends, in the names of which a method follows.
FAMILIES = {name.partition(":")[0] for name in bundled()}

#: Clusters, which take longer to start than the other tests of a module together. They are the
#: other one only where a module lists them in this variable, or where nothing else is asked.
CLUSTERS = {"dask", JOINED}
CLUSTERS_TOO = "CLUSTERS_DAILY"

#: A module of tests lists in this variable what is asked daily in addition.
ALSO = "ALSO_DAILY"

#: A module lists in this variable those of `ALWAYS` that are asked no more than others, because it
#: takes them seconds.
SELDOM = "SELDOM_DAILY"

#: A module of costly tests says in this variable how many of each function run daily, whatever
#: their parameters are.
FEW = "DAILY_OF_EACH"

#: The same for all other modules of pytest's side, where each is a session or two.
FEW_OF_PLUGIN = 1

#: What is in the names of backends on which a session takes six times as long as on threads.
SLOW_TO_START = {"joblib", "loky", "dask", "spawn", "forkserver"}

Item = TypeVar("Item")


def mark_sweep(items: Sequence[pytest.Item]) -> None:
    """Mark the tests that do not run daily."""
    questions: dict[str, list[pytest.Item]] = {}
    for item in items:
        if backend_of(item) and not item.get_closest_marker("sweep"):
            questions.setdefault(question_of(item), []).append(item)
    for question, asked in questions.items():
        module = getattr(asked[0], "module", None)
        always = ALWAYS.difference(getattr(module, SELDOM, ())).union(getattr(module, ALSO, ()))
        others = [item for item in asked if backend_of(item) not in always]
        daily = daily_of(question, others, has_more=len(others) < len(asked))
        for item in others:
            if item not in daily:
                item.add_marker("sweep")
    mark_all_but_few(item for item in items if not item.get_closest_marker("sweep"))


def daily_of(
    question: str, others: Sequence[pytest.Item], *, has_more: bool
) -> Sequence[pytest.Item]:
    """Return the tests of one other backend; `has_more` says that the question is asked anyway."""
    known = [item for item in others if backend_of(item) not in SWEPT]
    if known:
        too = getattr(getattr(known[0], "module", None), CLUSTERS_TOO, ())
        quick = [item for item in known if backend_of(item) not in CLUSTERS.difference(too)]
        known = quick if quick or has_more else known
    if known and is_of_plugin(known[0]):
        # Half of the questions, before few of each function are chosen.
        nobody = [f"nobody {number}" for number in range(len(known) if has_more else 0)]
        return [item for item in sampled([*known, *nobody], 1, seed=question) if item in known]
    chosen = sampled(known, 1, seed=question)
    if chosen and not SHARED.isdisjoint(fixtures_of(chosen[0])):
        return [item for item in known if backend_of(item) == backend_of(chosen[0])]
    return chosen


def is_of_plugin(item: pytest.Item) -> bool:
    """Return whether a test is one of pytest's side."""
    return "plugin" in item.nodeid.partition("::")[0].split("/")


def mark_all_but_few(items: Iterable[pytest.Item]) -> None:
    """Mark the tests of a function that are too many for every day."""
    functions: dict[str, list[pytest.Item]] = {}
    for item in items:
        if is_of_plugin(item) or hasattr(getattr(item, "module", None), FEW):
            functions.setdefault(function_of(item), []).append(item)
    for function, tests in functions.items():
        number: int = getattr(getattr(tests[0], "module", None), FEW, FEW_OF_PLUGIN)
        # The layer is the same for all backends.
        asked = one_of_each(tests) if is_of_plugin(tests[0]) else tests
        daily = sampled(asked, number, seed=function)
        for item in tests:
            if item not in daily:
                item.add_marker("sweep")


def one_of_each(tests: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Return one of the tests that differ in their backend alone."""
    alike: dict[str, list[pytest.Item]] = {}
    for item in tests:
        alike.setdefault(item.nodeid.replace(backend_of(item), "", 1), []).append(item)
    return [
        item for kind, items in alike.items() for item in sampled(quick(items, kind), 1, seed=kind)
    ]


def quick(items: Sequence[pytest.Item], kind: str) -> Sequence[pytest.Item]:
    """Leave out loky and spawn where others are asked, but for one in four kinds of question."""
    found = [item for item in items if SLOW_TO_START.isdisjoint(backend_of(item).split(":"))]
    return found if found and sampled(range(4), 1, seed=kind) != [0] else items


def fixtures_of(item: pytest.Item) -> Sequence[str]:
    """Return the names of the fixtures that a test takes."""
    names: Sequence[str] = getattr(item, "fixturenames", ())
    return names


def backend_of(item: pytest.Item) -> str:
    """Return the backend that a test asks, empty where its parameters name none."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    asked = [value for name in NAMES if isinstance(value := params.get(name), str)]
    return next((value for value in asked if value.partition(":")[0] in FAMILIES), "")


def question_of(item: pytest.Item) -> str:
    """Return what the tests have in common of which one asks another backend than those.

    Those of the backends differ in their backend alone, those of pytest's side, which is the same
    for all backends, in any parameter.
    """
    file, _, _ = item.nodeid.partition("::")
    if not SHARED.isdisjoint(fixtures_of(item)):
        return file
    if is_of_plugin(item):
        return function_of(item)
    function = function_of(item)
    return function + item.nodeid.removeprefix(function).replace(backend_of(item), "", 1)


def function_of(item: pytest.Item) -> str:
    """Return what the tests of one function have in common."""
    spec = getattr(item, "callspec", None)
    return item.nodeid if spec is None else item.nodeid.removesuffix(f"[{spec.id}]")


def sampled(items: Sequence[Item], number: int, *, seed: str) -> list[Item]:
    """Return so many items in their order, chosen by the seed; each by itself, whatever others are.

    A test is known by its id, anything else by its text.
    """

    def rank(at: int) -> bytes:
        text = getattr(items[at], "nodeid", items[at])
        return sha256(f"{seed}\0{text}".encode()).digest()

    return [items[at] for at in sorted(sorted(range(len(items)), key=rank)[:number])]
