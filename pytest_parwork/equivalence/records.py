"""The comparers of records: values with named parts."""

from __future__ import annotations

import dataclasses
import functools
import types
from collections import ChainMap, UserDict, UserList
from enum import Enum
from functools import partial
from typing import Any

from . import containers, scalars
from .pairs import Comparer, compare_parts, look_up, read_attributes
from .scalars import compare_keys


def find(cls: type) -> Comparer | None:
    """Return the comparer of a class with named parts, None for other classes."""
    if issubclass(cls, Enum):
        return partial(compare_keys, _read_member)
    if dataclasses.is_dataclass(cls):
        return partial(compare_parts, _read_dataclass)
    if hasattr(cls, "__attrs_attrs__"):
        return partial(compare_parts, _read_attrs)
    for base in _KNOWN_BY_ATTRIBUTES:
        if issubclass(cls, base) and cls.__eq__ is base.__eq__:
            return partial(compare_parts, read_attributes)
    return look_up(_TABLE, cls)


def _read_member(value: Enum) -> object:
    """Return the name; for combined flags, which have none before Python 3.11, also the value."""
    return value.name, value.value if value.name is None else None


def _read_dataclass(value: Any) -> dict[str, object]:
    """Read the fields that count for equality, by the author's `field(compare=)`."""
    return _read_fields(value, {field.name: field.compare for field in dataclasses.fields(value)})


def _read_attrs(value: Any) -> dict[str, object]:
    """Read the attributes that count for equality, by the author's `field(eq=)`: flag or key."""
    attributes = value.__attrs_attrs__
    parts = _read_fields(value, {field.name: bool(field.eq) for field in attributes})
    for field in attributes:
        if field.name in parts and field.eq_key is not None:
            parts[field.name] = field.eq_key(parts[field.name])
    return parts


def read_contents(value: object) -> dict[str, object]:
    """Read all attributes but cached ones, and the contents of a base such as dict."""
    return _read_fields(value, {})


def _read_fields(value: object, fields: dict[str, bool]) -> dict[str, object]:
    """Read the fields that count, other attributes, and the contents of a base such as dict."""
    parts = {
        name: getattr(value, name)
        for name, counts in fields.items()
        if counts and hasattr(value, name)
    }
    for name, part in read_attributes(value).items():
        if name not in fields and not is_cached(type(value), name):
            parts[name] = part
    if isinstance(value, BaseException):
        parts.update(read_arguments(value))
    for base in type(value).__mro__:
        if base in CONTENTS:
            parts[f"{base.__name__}()"] = CONTENTS[base](value)
            break
    return parts


def is_cached(cls: type, name: str) -> bool:
    return isinstance(getattr(cls, name, None), functools.cached_property)


def read_arguments(value: BaseException) -> dict[str, tuple[object, ...]]:
    """Read the arguments, also those that are given by name.

    Pickle drops traceback and chain, and notes are an attribute.
    """
    args = value.args
    if isinstance(value, ImportError) and value.name is not None:
        args = (*args, value.name)
    if isinstance(value, OSError) and value.filename is not None:  # which OSError removes from args
        args = (*args, value.filename, value.filename2)
    return {"args": args}


#: Classes that consist of their attributes; for the `==` of the last three, True equals 1.
_KNOWN_BY_ATTRIBUTES = (types.SimpleNamespace, UserDict, UserList, ChainMap)

#: Base classes with contents that a record may have in addition to its fields.
CONTENTS = containers.CONTENTS | scalars.CONTENTS | scalars.KEYS | scalars.TIMES


_TABLE: dict[type, Comparer] = {
    BaseException: partial(compare_parts, read_arguments),
}
