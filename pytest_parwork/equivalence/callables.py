"""The comparers of what can be called."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

from .pairs import ATTRIBUTE, Comparer, Finding, Pair, Relation, Unequal

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["find"]


def find(cls: type) -> Comparer | None:
    """Return the comparer of functions and methods, None for other classes."""
    return TABLE.get(cls)


def compare_functions(
    actual: types.FunctionType, expected: types.FunctionType, _: Relation
) -> Iterator[Finding]:
    """Compare by name; where the name leads nowhere, by code and what the function carries."""
    names = [(side.__module__, side.__qualname__) for side in (actual, expected)]
    if names[0] != names[1]:
        yield Unequal("value", actual, expected)
    elif "<" in actual.__qualname__:  # a lambda, or inside another function: <locals>
        if actual.__code__ != expected.__code__:
            yield Unequal("value", actual, expected, "the code differs")
        for name in ("__defaults__", "__kwdefaults__"):
            yield Pair(getattr(actual, name), getattr(expected, name), ATTRIBUTE, name)
        yield Pair(read_closure(actual), read_closure(expected), ATTRIBUTE, "__closure__")


def read_closure(function: types.FunctionType) -> list[object]:
    """Return what the function took from the functions around it."""
    return [cell.cell_contents for cell in function.__closure__ or ()]


def compare_builtins(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    if actual.__qualname__ != expected.__qualname__:
        yield Unequal("value", actual, expected)
    yield Pair(actual.__self__, expected.__self__, ATTRIBUTE, "__self__")


def compare_methods(
    actual: types.MethodType, expected: types.MethodType, _: Relation
) -> Iterator[Finding]:
    yield Pair(actual.__func__, expected.__func__, ATTRIBUTE, "__func__")
    yield Pair(actual.__self__, expected.__self__, ATTRIBUTE, "__self__")


TABLE: dict[type, Comparer] = {
    types.FunctionType: compare_functions,
    types.BuiltinFunctionType: compare_builtins,
    types.MethodType: compare_methods,
}
