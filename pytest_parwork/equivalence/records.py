"""The comparers of what has named parts."""

from __future__ import annotations

import dataclasses
import functools
import types
from enum import Enum
from functools import partial
from typing import Any

from .pairs import Comparer, compare_parts, look_up, read_attributes
from .scalars import compare_keys

__all__ = ["find"]


def find(cls: type) -> Comparer | None:
    """Return the comparer of a class with named parts, None for other classes."""
    if issubclass(cls, Enum):
        return partial(compare_keys, read_member)
    if dataclasses.is_dataclass(cls):
        return partial(compare_parts, read_dataclass)
    if hasattr(cls, "__attrs_attrs__"):
        return partial(compare_parts, read_attrs)
    return look_up(TABLE, cls)


def read_member(value: Enum) -> object:
    """Return the name; of several flags together, nameless before Python 3.11, the value too."""
    return value.name, value.value if value.name is None else None


def read_dataclass(value: Any) -> dict[str, object]:
    """Read the fields that count for equality, by the author's `field(compare=)`."""
    return read_fields(value, {field.name: field.compare for field in dataclasses.fields(value)})


def read_attrs(value: Any) -> dict[str, object]:
    """Read the attributes that count for equality, by the author's `field(eq=)`."""
    return read_fields(value, {field.name: bool(field.eq) for field in value.__attrs_attrs__})


def read_fields(value: object, fields: dict[str, bool]) -> dict[str, object]:
    """Read the fields that count, and what the instance has besides fields."""
    parts = {
        name: getattr(value, name)
        for name, counts in fields.items()
        if counts and hasattr(value, name)
    }
    for name, part in read_attributes(value).items():
        if name not in fields and not is_cached(type(value), name):
            parts[name] = part
    for base in (dict, list, tuple, set, frozenset):
        if isinstance(value, base):
            parts[f"{base.__name__}()"] = base(value)
    return parts


def is_cached(cls: type, name: str) -> bool:
    return isinstance(getattr(cls, name, None), functools.cached_property)


def read_arguments(value: BaseException) -> dict[str, object]:
    """Read the arguments: traceback, cause and notes tell of the way, not of the result."""
    return {"args": value.args}


TABLE: dict[type, Comparer] = {
    BaseException: partial(compare_parts, read_arguments),
    types.SimpleNamespace: partial(compare_parts, vars),
}
