"""The comparers of pandas's frames, series, indexes and scalars.

Labels, names, data types, attributes, flags and elements count; for categories also their order.
The frequency that an index has inferred does not, because pickling a frame drops it, nor do levels
of a MultiIndex that no entry uses.
"""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray, ExtensionDtype

from ..containers import write_key
from ..pairs import ATTRIBUTE, ITEM, Comparer, Finding, Pair, Relation, Unequal
from ..scalars import compare_keys
from ..show import name_type

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bytes of a frame that are compared at once, and copied if the frame consists of several arrays.
_BLOCK = 1 << 23
NAMES = {"name", "_name"}
_MASKED = (pd.arrays.IntegerArray, pd.arrays.FloatingArray, pd.arrays.BooleanArray)


def find(cls: type) -> Comparer | None:
    """Return the comparer of one of pandas's classes, None for other classes."""
    for base, comparer in _TABLE:
        if issubclass(cls, base):
            return comparer
    return None


def _compare_frames(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    yield from _pair_annotations(actual, expected)
    if actual.shape != expected.shape:
        difference = f"shape {actual.shape}, expected {expected.shape}"
        yield Unequal("shape", actual, expected, difference)
    for name in ("index", "columns"):
        left, right = getattr(actual, name), getattr(expected, name)
        if len(left) == len(right):
            yield Pair(left, right, ATTRIBUTE, name)
    if actual.shape == expected.shape and not _have_same_bits(actual, expected):
        is_unique = expected.columns.is_unique
        columns = zip(actual.items(), expected.items(), strict=True)
        for number, ((_label, left), (label, right)) in enumerate(columns):
            form = ITEM if is_unique else f".iloc[:, {number}]"
            yield from _pair_values(left, right, form, label)


def _have_same_bits(actual: Any, expected: Any) -> bool:
    """Confirm quickly that two frames of one numeric type are equal; False means unknown.

    Comparing column by column would be slow with thousands of columns, and ten times as slow as
    this in a frame that is stored row by row.
    """
    dtypes = {*actual.dtypes, *expected.dtypes}
    dtype = dtypes.pop() if len(dtypes) == 1 else None
    if not isinstance(dtype, np.dtype) or dtype.kind not in "biuf" or dtype.itemsize > 8:
        return False
    axis = 1 if expected.iloc[:, 0].to_numpy().flags.contiguous else 0  # the axis to split
    step = max(_BLOCK // (dtype.itemsize * max(expected.shape[1 - axis], 1)), 1)
    for start in range(0, expected.shape[axis], step):
        cut = slice(start, start + step)
        left, right = (
            (side.iloc[:, cut] if axis else side.iloc[cut]).to_numpy().view(f"u{dtype.itemsize}")
            for side in (actual, expected)
        )
        if not np.array_equal(left, right):
            return False
    return True


def _pair_annotations(actual: Any, expected: Any) -> Iterator[Finding]:
    """Pair attributes, flags and the like of a frame or series, and those of its subclass."""
    yield Pair(actual.attrs, expected.attrs, ATTRIBUTE, "attrs")
    left, right = (side.flags.allows_duplicate_labels for side in (actual, expected))
    yield Pair(left, right, ATTRIBUTE, "flags.allows_duplicate_labels")
    for name in actual._metadata:
        if name not in NAMES:
            left, right = (getattr(side, name, None) for side in (actual, expected))
            yield Pair(left, right, ATTRIBUTE, name)


def _pair_values(
    actual: Any, expected: Any, form: str = "", key: object = None
) -> Iterator[Finding]:
    """Pair the values of two series, or indexes, if their data types are of one class."""
    if isinstance(actual.dtype, type(expected.dtype)):
        yield Pair(_read_values(actual), _read_values(expected), form, key)
    else:
        step = write_key(key) if form == ITEM else form
        difference = f"dtype {actual.dtype}, expected {expected.dtype}"
        yield Unequal("dtype", actual, expected, difference, suffix=step)


def _read_values(labelled: Any) -> Any:
    """Return the array that holds the values."""
    return labelled.to_numpy() if isinstance(labelled.dtype, np.dtype) else labelled.array


def _compare_series(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    yield from _pair_annotations(actual, expected)
    yield Pair(actual.name, expected.name, ATTRIBUTE, "name")
    if len(actual) == len(expected):
        yield Pair(actual.index, expected.index, ATTRIBUTE, "index")
    yield from _pair_values(actual, expected)


def _compare_indexes(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    yield Pair(actual.name, expected.name, ATTRIBUTE, "name")
    yield from _pair_values(actual, expected)


def _compare_ranges(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    yield Pair(actual.name, expected.name, ATTRIBUTE, "name")
    for name in ("start", "stop", "step"):
        yield Pair(getattr(actual, name), getattr(expected, name), ATTRIBUTE, name)


def _compare_multi_indexes(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    """Compare the names and, level by level, the entries."""
    yield Pair(list(actual.names), list(expected.names), ATTRIBUTE, "names")
    if actual.nlevels == expected.nlevels:
        for number in range(actual.nlevels):
            left, right = (s.get_level_values(number).rename(None) for s in (actual, expected))
            yield Pair(left, right, f".get_level_values({number})")


def compare_dtypes(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    if isinstance(actual, pd.CategoricalDtype):
        yield Pair(actual.ordered, expected.ordered, ATTRIBUTE, "ordered")
        yield Pair(actual.categories, expected.categories, ATTRIBUTE, "categories")
    elif actual != expected or _describe_dtype(actual) != _describe_dtype(expected):
        yield Unequal("dtype", actual, expected, _describe_zones)


def _describe_dtype(dtype: Any) -> tuple[str, str]:
    """Return the text of a dtype, and the class of its time zone, which the text lacks."""
    return repr(dtype), name_type(type(getattr(dtype, "tz", None)))


def _describe_zones(actual: Any, expected: Any) -> str:
    zones = [name_type(type(getattr(side, "tz", None))) for side in (actual, expected)]
    return "" if zones[0] == zones[1] else f"time zone by {zones[0]}, expected by {zones[1]}"


def _compare_intervals(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    for name in ("left", "right", "closed"):
        yield Pair(getattr(actual, name), getattr(expected, name), ATTRIBUTE, name)


def _read_timestamp(value: Any) -> object:
    """Return instant, unit and time zone; `fold` is left out, because pickling drops it."""
    zone = value.tz
    return value.asm8, value.unit, name_type(type(zone)), str(zone), value.utcoffset()


def _compare_extension_arrays(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    """Compare data type and length, then the missing elements, then the others.

    For an unknown array class, each element is compared as a Python object.
    """
    if isinstance(actual, pd.Categorical):
        yield Pair(actual.dtype, expected.dtype)
    elif actual.dtype != expected.dtype or _describe_dtype(actual.dtype) != _describe_dtype(
        expected.dtype
    ):
        difference = f"dtype {actual.dtype}, expected {expected.dtype}"
        if zones := _describe_zones(actual.dtype, expected.dtype):
            difference += f" ({zones})"
        yield Unequal("dtype", actual, expected, difference)
        return
    if len(actual) != len(expected):
        difference = f"shape {actual.shape}, expected {expected.shape}"
        yield Unequal("shape", actual, expected, difference)
    elif isinstance(actual, pd.Categorical):
        yield Pair(actual.codes, expected.codes, ATTRIBUTE, "codes")
    elif isinstance(actual, _MASKED):
        yield from compare_masked(actual, expected)
    elif isinstance(actual, pd.arrays.IntervalArray):
        yield Pair(actual.left, expected.left, ATTRIBUTE, "left")
        yield Pair(actual.right, expected.right, ATTRIBUTE, "right")
    elif isinstance(actual, pd.arrays.SparseArray):
        yield Pair(np.asarray(actual), np.asarray(expected))
    elif isinstance(actual, pd.arrays.ArrowExtensionArray):
        yield Pair(actual.__arrow_array__(), expected.__arrow_array__())
    elif isinstance(actual, pd.arrays.NumpyExtensionArray):  # Python strings as well
        yield Pair(actual.to_numpy(), expected.to_numpy())
    elif isinstance(actual, pd.arrays.DatetimeArray | pd.arrays.TimedeltaArray):
        kind = f"{actual.dtype.kind}8[{actual.unit}]"  # with a time zone: in UTC
        yield Pair(actual.to_numpy(dtype=kind), expected.to_numpy(dtype=kind))
    elif isinstance(actual.dtype, pd.PeriodDtype) and np.array_equal(actual.asi8, expected.asi8):
        return
    else:
        yield Pair(list(actual), list(expected))


def compare_masked(actual: Any, expected: Any) -> Iterator[Finding]:
    """Compare which values are missing, then those that both sides have."""
    lacks, lacked = actual.isna(), expected.isna()
    dtype = actual.dtype.numpy_dtype
    zero = dtype.type(0)
    sides = [side.to_numpy(dtype=dtype, na_value=zero) for side in (actual, expected)]
    if not np.array_equal(lacks, lacked):
        yield Pair(lacks, lacked, ATTRIBUTE, "isna()")
        sides = [np.where(lacks | lacked, zero, side) for side in sides]
    yield Pair(*sides)


_TABLE: list[tuple[type, Comparer]] = [
    (pd.DataFrame, _compare_frames),
    (pd.Series, _compare_series),
    (pd.RangeIndex, _compare_ranges),
    (pd.MultiIndex, _compare_multi_indexes),
    (pd.Index, _compare_indexes),
    (ExtensionArray, _compare_extension_arrays),
    (ExtensionDtype, compare_dtypes),
    (pd.Timestamp, partial(compare_keys, _read_timestamp)),
    (pd.Timedelta, partial(compare_keys, attrgetter("asm8", "unit"))),
    (pd.Period, partial(compare_keys, attrgetter("ordinal", "freq"))),
    (pd.Interval, _compare_intervals),
    (type(pd.NaT), partial(compare_keys, str)),
    (type(pd.NA), partial(compare_keys, str)),
]
