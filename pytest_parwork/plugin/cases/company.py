"""What other plugins do to cases, done in workers too, or kept away from them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from zlib import crc32

import pytest

from ...model.work import Task
from ...worker.fixtures.recipe import Role
from ...worker.seeding import Reseeded, reseed
from ..config.settings import CONFIGURATION
from .groups import Case

__all__ = ["keep_single", "limit_of", "reseeded", "reseeded_tasks", "seed_of"]


def limit_of(item: pytest.Item) -> float | None:
    """Return the seconds that pytest-timeout gives the item, None for no limit."""
    config = item.config
    if not any(map(config.pluginmanager.hasplugin, ("timeout", "pytest_timeout"))):
        return None
    mark = item.get_closest_marker("timeout")
    given = None
    if mark is not None:
        given = mark.args[0] if mark.args else mark.kwargs.get("timeout")
    if given is None:
        given = config.getoption("timeout", default=None)
    if given is None:
        given = os.environ.get("PYTEST_TIMEOUT") or config.getini("timeout") or None
    try:
        limit = float(given) if given is not None else 0.0
    except (TypeError, ValueError):
        return None  # pytest-timeout will say so
    return limit if limit > 0 else None


def keep_single(items: Iterable[pytest.Item]) -> None:
    """Ask pytest-run-parallel to call the items once each: it drops what they return."""
    for item in items:
        item.add_marker(pytest.mark.thread_unsafe(reason="parwork runs it in parallel"))
        item.add_marker(pytest.mark.iterations(1))


def reseeded(case: Case, body: Callable[..., object]) -> Callable[..., object]:
    """Return the body with the generators seeded as in its worker, if pytest-randomly is on."""
    seed = seed_of(case)
    if seed is None:
        return body

    def call(**kwargs: object) -> object:
        reseed(seed)
        return body(**kwargs)

    return call


def reseeded_tasks(cases: Sequence[Case], tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Return the tasks with the generators seeded before each, if pytest-randomly is on.

    The others would differ for its sake, as it seeds before each test in this process alone.
    """
    if seed_of(cases[0]) is None:
        return tuple(tasks)
    made: dict[object, Reseeded] = {}  # one for each function, which so travels once
    found = []
    for case, task in zip(cases, tasks, strict=True):
        seed = seed_of(case)
        if task.is_inherited:  # pytest-randomly is there
            found.append(task)
            continue
        if case.stage is not None:
            (role,) = task.args
            assert isinstance(role, Role)
            found.append(replace(task, args=(role._replace(seed=seed),)))
            continue
        key = task.address or id(task.function)
        function = made.setdefault(key, Reseeded(task.function, task.address))
        found.append(replace(task, function=function, address=None, args=(seed, *task.args)))
    return tuple(found)


def seed_of(case: Case) -> int | None:
    """Return the seed of pytest-randomly for the body, None where it seeds nothing.

    All configurations of a case have the same, because they share a reference.
    """
    config = case.item.config
    if not config.getoption("randomly_reset_seed", default=False):
        return None
    id = case.id
    if CONFIGURATION in getattr(getattr(case.item, "callspec", None), "params", {}):
        id = f"{case.group.id}[{case.ordinal or 0}]"
    seed: int = config.getoption("randomly_seed")
    return seed + crc32(id.encode(errors="surrogatepass"))
