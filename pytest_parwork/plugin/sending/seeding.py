"""The seeds of a case, the same in both legs: for `parwork_seed`, and for pytest-randomly."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from random import SystemRandom
from zlib import crc32

import pytest

from ...model.work import Task
from ...worker.fixtures.recipe import CaseFacts
from ...worker.seeding import Reseeded, reseed
from ..cases.groups import Case
from ..cases.matrix import column_of, id_without_column
from ..config.options import seed


def parwork_seed_of(item: pytest.Item) -> int:
    """Return a number below 2**32, which every generator accepts as a seed."""
    text = f"{seed(item.config)}\0{id_without_column(item)}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def reseeded(case: Case, body: Callable[..., object]) -> Callable[..., object]:
    """Return the body with the generators seeded as in its worker, if pytest-randomly is on."""
    seed = randomly_seed_of(case)
    if seed is None:
        return body

    def call(**kwargs: object) -> object:
        reseed(seed)
        return body(**kwargs)

    return call


def reseeded_tasks(cases: Sequence[Case], tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Return the tasks with the generators seeded before each, if pytest-randomly is on.

    Without that, results would differ, because pytest-randomly seeds only in this process.
    """
    if randomly_seed_of(cases[0]) is None:
        return tuple(tasks)
    made: dict[object, Reseeded] = {}  # one for each function, so that it is sent once
    found = []
    for case, task in zip(cases, tasks, strict=True):
        seed = randomly_seed_of(case)
        if task.is_inherited:  # pytest-randomly runs in the fork
            found.append(task)
            continue
        if case.fixtures is not None:
            (facts,) = task.args
            assert isinstance(facts, CaseFacts)
            found.append(replace(task, args=(facts._replace(seed=seed),)))
            continue
        key = task.address or id(task.function)
        function = made.setdefault(key, Reseeded(task.function, task.address))
        found.append(replace(task, function=function, address=None, args=(seed, *task.args)))
    return tuple(found)


def randomly_seed_of(case: Case) -> int | None:
    """Return the seed of pytest-randomly for the body, None if it does not seed.

    All configurations of a case have the same seed, because they share a reference.
    """
    config = case.item.config
    if not config.getoption("randomly_reset_seed", default=False):
        return None
    id = case.id
    if column_of(case.item) is not None:
        id = f"{case.test_id}[{case.ordinal or 0}]"
    seed: int = config.getoption("randomly_seed")
    return seed + crc32(id.encode(errors="surrogatepass"))


#: The seed by which hypothesis chooses the examples of a case, in both of its runs.
_GIVEN_SEED = pytest.StashKey[int]()


def is_given(item: pytest.Function) -> bool:
    """Return whether a test has `@given` of hypothesis."""
    return bool(getattr(item.function, "is_hypothesis_test", False))


def draw_seed(item: pytest.Function) -> None:
    """Choose a seed for the examples of a test with `@given`: another one in each session."""
    is_own = getattr(item.function, "_hypothesis_internal_use_seed", None) is not None
    is_seeded = is_own or item.config.getoption("hypothesis_seed", default=None) is not None
    if is_given(item) and not is_seeded:
        item.stash.setdefault(_GIVEN_SEED, SystemRandom().getrandbits(64))


def given_seed(item: pytest.Item) -> AbstractContextManager[None] | None:
    """Seed hypothesis for a case for which a seed was drawn; None for all others.

    Its `seed` also keeps the test from the database of examples, which would differ between runs.
    """
    if "hypothesis" not in sys.modules or _GIVEN_SEED not in item.stash:
        return None
    assert isinstance(item, pytest.Function)
    return _seeded(item, item.stash[_GIVEN_SEED])


@contextmanager
def _seeded(item: pytest.Function, chosen: int) -> Iterator[None]:
    from hypothesis import seed

    function = item.function
    before = dict(vars(function))
    seed(chosen)(function)
    try:
        yield
    finally:
        vars(function).clear()
        vars(function).update(before)
