"""Values changed in one place."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import math
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any, TypeAlias

import attrs
import numpy as np

from pytest_parwork.equivalence import show

from .classes import Bare, Couple, Custom, Pair, Slotted

__all__ = ["change"]

#: Picks a number below the given one.
Choose: TypeAlias = Callable[[int], int]


class Other:
    """A class that no value contains."""


def change(value: Any, choose: Choose) -> tuple[Any, str]:
    """Return a value that differs from another in one place, and the path to it."""
    cls = type(value)
    if cls in (Pair, Couple):
        return change_field(value, cls._fields, choose, value._replace)
    if cls in (list, tuple, deque) and value:
        return change_item(value, choose)
    if cls in (dict, OrderedDict, defaultdict, Counter) and value:
        return change_entry(value, choose)
    if cls in (set, frozenset) and value:
        element = list(value)[choose(len(value))]
        return value - {element}, "{" + show(element, limit=60) + "}"
    if dataclasses.is_dataclass(cls):
        names = [field.name for field in dataclasses.fields(cls) if field.compare]
        return change_field(value, names, choose, lambda **new: dataclasses.replace(value, **new))
    if attrs.has(cls):
        names = [field.name for field in attrs.fields(cls) if field.eq]
        return change_field(value, names, choose, lambda **new: attrs.evolve(value, **new))
    if cls in (Bare, Custom, Slotted) and (names := [*getattr(value, "__dict__", ("x",))]):
        return change_field(value, names, choose, lambda **new: with_attributes(value, **new))
    if isinstance(value, Exception) and value.args:
        args, path = change(value.args, choose)
        return cls(*args), f".args{path}"
    if isinstance(value, np.ma.MaskedArray) and value.size:
        return change_masked(value, choose)
    if isinstance(value, np.ndarray) and value.size:
        return change_array(value, choose)
    if isinstance(value, np.generic):
        return change_element(value), ""
    return change_leaf(value), ""


def change_item(value: Any, choose: Choose) -> tuple[Any, str]:
    index = choose(len(value))
    items = list(value)
    items[index], path = change(items[index], choose)
    made = deque(items, value.maxlen) if type(value) is deque else type(value)(items)
    return made, f"[{index}]{path}"


def change_entry(value: Any, choose: Choose) -> tuple[Any, str]:
    key = list(value)[choose(len(value))]
    changed = copy.copy(value)
    changed[key], path = change(value[key], choose)
    return changed, f"[{show(key, limit=60)}]{path}"


def change_field(
    value: Any, names: Any, choose: Choose, replace: Callable[..., Any]
) -> tuple[Any, str]:
    name = names[choose(len(names))]
    part, path = change(getattr(value, name), choose)
    return replace(**{name: part}), f".{name}{path}"


def with_attributes(value: Any, **attributes: object) -> Any:
    changed = copy.copy(value)
    for name, part in attributes.items():
        setattr(changed, name, part)
    return changed


def change_array(value: Any, choose: Choose) -> tuple[Any, str]:
    changed = value.copy()
    if value.dtype.names is not None:
        name = value.dtype.names[choose(len(value.dtype.names))]
        if not value[name].size:
            return Other(), ""
        changed[name], path = change_array(value[name], choose)
        return changed, f"[{name!r}]{path}"
    index = np.unravel_index(choose(value.size), value.shape)
    where = f"[{', '.join(map(str, index))}]" if value.ndim else ""
    if value.dtype.hasobject:
        changed[index], path = change(value[index], choose)
        return changed, where + path
    changed[index] = change_element(value[index])
    if value.dtype.itemsize == 0:  # no other element is possible
        return Other(), ""
    return changed, where


def change_element(value: Any) -> Any:
    """Return another value of a NumPy scalar's type."""
    kind, cls = value.dtype.kind, type(value)
    if kind in "fc" and value != value:
        return cls(0)
    if kind == "f":
        return -value if value == 0 else np.nextafter(value, cls(0))
    if kind == "c":
        return cls(complex(-value.real if value.real == 0 else 0.0, value.imag))
    if kind in "Mm":
        return (np.array(value).view("i8") ^ 1).view(value.dtype)[()]
    if kind in "iu":
        return value ^ cls(1)
    if kind == "b":
        return ~value
    if kind == "V":
        return np.void(bytes(byte ^ 1 for byte in value.tobytes()))
    if kind in "US":
        return (
            cls("y" if kind == "U" else b"y")
            if value[:1] in ("x", b"x")
            else cls("x" if kind == "U" else b"x")
        )
    return Other()


def change_masked(value: Any, choose: Choose) -> tuple[Any, str]:
    """Return the array with the mask of one element inverted."""
    index = np.unravel_index(choose(value.size), value.shape)
    mask = np.ma.getmaskarray(value).copy()
    mask[index] = ~mask[index]
    where = f"[{', '.join(map(str, index))}]" if value.ndim else ""
    return np.ma.array(value.data, mask=mask), f".mask{where}"


def change_leaf(value: Any) -> Any:
    """Return another value, of the same type where that is easy."""
    if type(value) is bool:
        return not value
    if isinstance(value, float):
        if value != value:
            return 0.0
        return (
            math.copysign(0.0, -math.copysign(1, value)) if value == 0 else math.nextafter(value, 0)
        )
    if isinstance(value, enum.Enum):
        return next((member for member in type(value) if member is not value), Other())
    if isinstance(value, dt.datetime | dt.time):
        return value.replace(fold=1 - value.fold)
    if isinstance(value, int | fractions.Fraction):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, bytes | bytearray):
        return value + b"x"
    if isinstance(value, decimal.Decimal):
        return value.copy_negate()
    return Other()
