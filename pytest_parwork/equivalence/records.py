"""The comparers of what has named parts."""

from __future__ import annotations

import dataclasses
import functools
import types
from enum import Enum
from typing import TYPE_CHECKING, Any

from .pairs import (
    ATTRIBUTE,
    Comparer,
    Finding,
    Pair,
    Relation,
    Unequal,
    look_up,
    pair_attributes,
    read_attributes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["find"]


def find(cls: type) -> Comparer | None:
    """Return the comparer of a class with named parts, None for other classes."""
    if issubclass(cls, Enum):
        return compare_members
    if dataclasses.is_dataclass(cls):
        return compare_dataclasses
    if hasattr(cls, "__attrs_attrs__"):
        return compare_attrs
    return look_up(TABLE, cls)


def compare_members(actual: Enum, expected: Enum, _: Relation) -> Iterator[Finding]:
    if actual.name != expected.name:
        yield Unequal("value", actual, expected)
    elif actual.name is None:  # several flags together, before Python 3.11
        yield Pair(actual.value, expected.value, ATTRIBUTE, "value")


def compare_dataclasses(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    """Compare the fields that count for equality, by the author's `field(compare=)`."""
    fields = {field.name: field.compare for field in dataclasses.fields(actual)}
    yield from compare_fields(actual, expected, fields)


def compare_attrs(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    """Compare the attributes that count for equality, by the author's `field(eq=)`."""
    fields = {field.name: bool(field.eq) for field in type(actual).__attrs_attrs__}
    yield from compare_fields(actual, expected, fields)


def compare_fields(actual: Any, expected: Any, fields: dict[str, bool]) -> Iterator[Finding]:
    """Compare the fields that count, and what the instance has besides fields."""
    parts = []
    for value in (actual, expected):
        own = {name: getattr(value, name) for name in fields if hasattr(value, name)}
        rest = {
            name: part
            for name, part in read_attributes(value).items()
            if name not in fields and not is_cached(type(value), name)
        }
        parts.append({name: part for name, part in own.items() if fields[name]} | rest)
    yield from pair_attributes(*parts)
    for base in (dict, list, tuple, set, frozenset):
        if isinstance(actual, base):
            yield Pair(base(actual), base(expected))


def is_cached(cls: type, name: str) -> bool:
    return isinstance(getattr(cls, name, None), functools.cached_property)


def compare_exceptions(
    actual: BaseException, expected: BaseException, _: Relation
) -> Iterator[Finding]:
    """Compare the arguments: traceback, cause and notes tell of the way, not of the result."""
    yield Pair(actual.args, expected.args, ATTRIBUTE, "args")


def compare_namespaces(
    actual: types.SimpleNamespace, expected: types.SimpleNamespace, _: Relation
) -> Iterator[Finding]:
    yield from pair_attributes(vars(actual), vars(expected))


TABLE: dict[type, Comparer] = {
    BaseException: compare_exceptions,
    types.SimpleNamespace: compare_namespaces,
}
