"""The matrix of a test: its columns as the outermost parameter, and the column of an item."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, cast

import pytest

from ...equivalence import show
from ...model.errors import UsageError
from ...model.work import Configuration, Plan, Scope
from ..config.settings import Column, settings_of
from ..config.varied import PARALLELISM
from ..variants.axis import VARIANT, rest_of, variant_of
from .early import start_early

#: The fixture of calls: a test that requests it is not fanned out.
FIXTURE = "parwork"

#: The name under which a matrix parametrizes the test.
_COLUMN = "parwork_configuration"


class TestKey(NamedTuple):
    """One test in one column of its matrix; `column` is the label, None without a matrix."""

    parent: pytest.Collector
    name: str
    column: str | None


class WideKey(NamedTuple):
    """All tests of a class, a module or the session that run on one configuration."""

    node: pytest.Collector
    configuration: Configuration


def workload_key(
    item: pytest.Function, plan: Plan, place: TestKey | None = None
) -> TestKey | WideKey:
    """Return the key of the workload that a case belongs to, in its configuration.

    `place` is the key of its test, if it is known already.
    """
    node = _holder(item, plan.scope)
    return (place or key_of(item)) if node is None else WideKey(node, plan.configuration)


def _holder(item: pytest.Function, scope: Scope) -> pytest.Collector | None:
    """Return the node that holds all cases of a wider scope, None for function scope.

    Class scope outside of a class is function scope, as for fixtures.
    """
    if scope == "session":
        return item.session
    if scope == "function":
        return None
    kind = pytest.Class if scope == "class" else pytest.Module
    parent = item.parent
    return parent if type(parent) is kind else item.getparent(kind)  # the search is slow


def parametrize(metafunc: pytest.Metafunc, is_plain: Callable[[pytest.Function], object]) -> None:
    """Parametrize a test by its matrix: the outer loop, before its own parameters.

    A test that `is_plain` on all columns runs once. Raises `UsageError`.
    """
    makes_calls = FIXTURE in metafunc.fixturenames
    given = settings_of(metafunc.definition)
    if makes_calls and given.has_own("min_speedup"):
        raise UsageError(
            "min_speedup judges cases, but this test makes calls; check run.speedup in the test"
        )
    if makes_calls and given.choice != "backend":
        raise UsageError(
            f"{given.choice}= varies what the test itself calls, but this test makes calls by "
            f"the fixture {FIXTURE!r}; use one of the two"
        )
    if given.choice != "backend":
        return
    columns = given.matrix()
    if columns and not makes_calls and is_plain(metafunc.definition):
        return
    if not makes_calls:
        made = [column.configuration for column in columns]
        start_early(metafunc, made or [given.plan().configuration])
    if columns:
        metafunc.fixturenames.append(_COLUMN)
        metafunc.parametrize(_COLUMN, columns, ids=[column.label for column in columns])


def label_of(item: pytest.Item) -> str:
    """Return the label of the item's column in its id, empty without a matrix."""
    column = column_of(item)
    return column.label if column is not None else ""


def column_of(item: pytest.Item) -> Column | None:
    """Return the item's column of the matrix, None without one."""
    callspec = getattr(item, "callspec", None)
    column: Column | None = callspec.params.get(_COLUMN) if callspec is not None else None
    return column


def key_of(item: pytest.Function) -> TestKey:
    """Return the key of the item's test and column, or variant."""
    callspec = getattr(item, "callspec", None)
    params: Mapping[str, Any] = callspec.params if callspec is not None else {}
    column = params.get(_COLUMN) or params.get(VARIANT)
    # Not by `isinstance`, which is slow for classes of pytest: they have an abstract metaclass.
    parent = cast("pytest.Collector", item.parent)
    return TestKey(parent, item.originalname, column.label if column is not None else None)


def parameters_of(item: pytest.Function) -> tuple[tuple[str, int], ...]:
    """Return the indices of the item's parameters, without its column."""
    callspec = getattr(item, "callspec", None)
    indices: Mapping[str, int] = callspec.indices if callspec is not None else {}
    return tuple(sorted((name, at) for name, at in indices.items() if name != _COLUMN))


def varied_parallelism(items: Iterable[pytest.Function]) -> tuple[str, ...]:
    """Return the parameters among `PARALLELISM` that differ between items.

    It looks as if these items were compared with one another.
    """
    values: dict[str, set[str]] = {}
    for item in items:
        callspec = getattr(item, "callspec", None)
        for name, value in callspec.params.items() if callspec is not None else ():
            if name.lower() in PARALLELISM:
                values.setdefault(name, set()).add(show(value))
    return tuple(name for name, found in values.items() if len(found) > 1)


def id_without_column(item: pytest.Item) -> str:
    """Return the node id without column and variant, and without the suffix that xdist adds."""
    assert item.parent is not None
    column, variant = column_of(item), variant_of(item)
    if column is None and variant is None:
        return f"{item.parent.nodeid}::{item.name}"
    assert isinstance(item, pytest.Function)
    if column is not None:  # it is the outermost parameter
        rest = item.callspec.id.removeprefix(column.label).removeprefix("-")
    else:
        assert variant is not None
        rest = rest_of(item, variant)
    name = f"{item.originalname}[{rest}]" if rest else item.originalname
    return f"{item.parent.nodeid}::{name}"
