"""Faults that are planted in copies of results, for the negative control of the comparison."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final, TypeAlias

from ..report.selftest import LOST_UPDATE, ULP

#: What the functions return where a value has no place for the fault.
NOWHERE: Final = object()

#: Deepest container that is searched, and most parts of one.
DEPTH, PARTS = 20, 1000

_Change: TypeAlias = Callable[[Any], Any]


def with_one_ulp(value: object) -> object:
    """Return a copy of a value in which one float is the next one; `NOWHERE` without a float."""
    return _changed(value, _next_float, DEPTH)


def with_lost_update(value: object) -> object:
    """Return a copy of a value in which an update is lost: the last item, a count, an element."""
    return _changed(value, _without_update, DEPTH)


def _next_float(value: Any) -> Any:
    numpy = sys.modules.get("numpy")  # a session without it has no such values
    if isinstance(value, float) or (numpy is not None and isinstance(value, numpy.floating)):
        if not math.isfinite(value):
            return NOWHERE
        towards = type(value)(0 if value else 1)
        after = math.nextafter if numpy is None else numpy.nextafter
        return type(value)(after(value, towards))
    if isinstance(value, complex):
        real = _next_float(value.real)
        return NOWHERE if real is NOWHERE else complex(real, value.imag)
    if numpy is not None and isinstance(value, numpy.ndarray) and value.dtype.kind in "fc":
        return _with_element(numpy, value, _next_float)
    return NOWHERE


def _without_update(value: Any) -> Any:
    numpy = sys.modules.get("numpy")
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value - 1
    if isinstance(value, float | complex):
        return type(value)(0 if value else 1)
    if isinstance(value, str):
        return value[:-1] or " "
    if isinstance(value, bytes):
        return value[:-1] or b" "
    if type(value) in (list, set, frozenset) and value:
        return type(value)(list(value)[:-1])
    if type(value) is dict and value:
        return dict(list(value.items())[:-1])
    if numpy is not None and isinstance(value, numpy.number):
        return type(value)(0 if value else 1)
    if numpy is not None and isinstance(value, numpy.ndarray) and value.dtype.kind in "biufc":
        return _with_element(numpy, value, lambda one: type(one)(0 if one else 1))
    return NOWHERE


def _with_element(numpy: Any, array: Any, change: _Change) -> Any:
    """Return a copy of an array in which the first element is changed that can be."""
    for number in range(min(array.size, PARTS)):
        place = numpy.unravel_index(number, array.shape)
        new = change(array[place])
        if new is not NOWHERE and new != array[place]:
            copy = array.copy()
            copy[place] = new
            return copy
    return NOWHERE


def _changed(value: Any, change: _Change, depth: int) -> Any:
    """Return a copy of a value in which the first part is changed that can be.

    Only the values of types that are compared by their contents are searched: builtin containers,
    arrays, tables of pandas, dataclasses.
    """
    new = change(value)
    if new is not NOWHERE or depth == 0:
        return new
    if type(value) is list or isinstance(value, tuple):
        for number, part in enumerate(value[:PARTS]):
            if (new := _changed(part, change, depth - 1)) is not NOWHERE:
                parts = [*value[:number], new, *value[number + 1 :]]
                make = getattr(type(value), "_make", type(value))  # of a named tuple
                return make(parts)
    elif type(value) is dict:
        for key, part in list(value.items())[:PARTS]:
            if (new := _changed(part, change, depth - 1)) is not NOWHERE:
                return {**value, key: new}
    elif is_dataclass(value) and not isinstance(value, type):
        return _in_dataclass(value, change, depth)
    elif (pandas := sys.modules.get("pandas")) is not None:
        return _in_table(pandas, value, change)
    return NOWHERE


def _in_dataclass(value: Any, change: _Change, depth: int) -> Any:
    for field in fields(value):
        if not (field.init and field.compare):
            continue
        new = _changed(getattr(value, field.name, None), change, depth - 1)
        if new is not NOWHERE:
            return replace(value, **{field.name: new})
    return NOWHERE


def _in_table(pandas: Any, value: Any, change: _Change) -> Any:
    if isinstance(value, pandas.Series):
        new = change(value.to_numpy())
        return NOWHERE if new is NOWHERE else pandas.Series(new, index=value.index, name=value.name)
    if isinstance(value, pandas.DataFrame):
        for number in range(min(value.shape[1], PARTS)):
            new = change(value.iloc[:, number].to_numpy())
            if new is not NOWHERE:
                copy = value.copy()
                copy.isetitem(number, new)
                return copy
    return NOWHERE


#: The faults that are planted in a single result, by name.
IN_RESULTS: Mapping[str, _Change] = {LOST_UPDATE: with_lost_update, ULP: with_one_ulp}
