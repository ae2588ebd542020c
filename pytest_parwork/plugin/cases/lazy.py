"""The parameters of a case that are only made while it is set up: `lf(…)`, `lazy_value(…)`."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ...worker.fixtures.lazy import CASES, FIXTURES, is_of
from ..compat import chains_of


def lazy_parts(value: Any) -> Iterator[Any]:
    """Yield what is lazy in a parameter, also inside of lists, tuples, sets and dicts."""
    cls = type(value)
    if cls in (list, tuple, set):
        for part in value:
            yield from lazy_parts(part)
    elif cls is dict:
        for key, part in value.items():
            yield from lazy_parts(key)
            yield from lazy_parts(part)
    elif is_of(FIXTURES, value):
        yield value
        for part in (*getattr(value, "args", ()), *getattr(value, "kwargs", {}).values()):
            yield from lazy_parts(part)
    elif is_of(CASES, value):
        yield value


def lazy_parameters(item: pytest.Item) -> Mapping[str, tuple[str, ...]]:
    """Return the parameters that are lazy, each with the fixtures that it asks for."""
    callspec = getattr(item, "callspec", None)
    if callspec is None or (FIXTURES not in sys.modules and CASES not in sys.modules):
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for name, value in callspec.params.items():
        parts = list(lazy_parts(value))
        if parts:
            found[name] = tuple(
                # A callable of pytest-lazy-fixtures has its own name, which is that of no fixture.
                part.fixture_name
                for part in parts
                if is_of(FIXTURES, part) and getattr(part, "_func", None) is None
            )
    return found


def lazy_defs(item: pytest.Function) -> Mapping[str, pytest.FixtureDef[Any]]:
    """Return the fixtures that lazy parameters ask for, and those that these request."""
    if FIXTURES not in sys.modules and CASES not in sys.modules:
        return {}
    parameters = lazy_parameters(item)
    if not parameters:
        return {}
    names = [name for asked in parameters.values() for name in asked]
    chains = [chains_of(item, name) for name in names]
    return {name: chain[-1] for found in chains for name, chain in found.items()}


def fresh(params: Mapping[str, object]) -> Mapping[str, object]:
    """Return parameters without the values that pytest-cases has kept for a case that ran here.

    It keeps them with a weak reference, which cannot be pickled.
    """
    if CASES not in sys.modules:
        return params
    copies: dict[int, Any] = {}
    return {name: _fresh(value, copies) for name, value in params.items()}


def _fresh(value: Any, copies: dict[int, Any]) -> Any:
    if type(value) in (list, tuple):
        return type(value)(_fresh(part, copies) for part in value)
    if not is_of(CASES, value):
        return value
    if id(value) not in copies:
        new = copies[id(value)] = copy.copy(value)
        for part in ("host", "_lazyvalue"):  # of an item of a tuple, and of a tuple
            if hasattr(new, part):
                setattr(new, part, _fresh(getattr(new, part), copies))
        if hasattr(new, "valuegetter"):
            new.cached_value = new.cached_value_context = None
            new._marks = ()
    return copies[id(value)]
