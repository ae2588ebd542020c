"""The comparer of pandas's extension arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..pairs import ATTRIBUTE, Finding, Pair, Relation, Unequal

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["compare_extension_arrays"]

MASKED = (pd.arrays.IntegerArray, pd.arrays.FloatingArray, pd.arrays.BooleanArray)


def compare_extension_arrays(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    """Compare data type and length, then what is missing and what is there.

    Of an array that is not known here, each element as Python gets it.
    """
    if isinstance(actual, pd.Categorical):
        yield Pair(actual.dtype, expected.dtype)
    elif actual.dtype != expected.dtype or repr(actual.dtype) != repr(expected.dtype):
        difference = f"dtype {actual.dtype}, expected {expected.dtype}"
        yield Unequal("dtype", actual, expected, difference)
        return
    if len(actual) != len(expected):
        difference = f"shape {actual.shape}, expected {expected.shape}"
        yield Unequal("shape", actual, expected, difference)
    elif isinstance(actual, pd.Categorical):
        yield Pair(actual.codes, expected.codes, ATTRIBUTE, "codes")
    elif isinstance(actual, MASKED):
        yield from compare_masked(actual, expected)
    elif isinstance(actual, pd.arrays.IntervalArray):
        yield Pair(actual.left, expected.left, ATTRIBUTE, "left")
        yield Pair(actual.right, expected.right, ATTRIBUTE, "right")
    elif isinstance(actual, pd.arrays.SparseArray):
        yield Pair(np.asarray(actual), np.asarray(expected))
    elif isinstance(actual, pd.arrays.ArrowExtensionArray):
        yield Pair(actual.__arrow_array__(), expected.__arrow_array__())
    elif isinstance(actual, pd.arrays.NumpyExtensionArray):  # text of Python too
        yield Pair(actual.to_numpy(), expected.to_numpy())
    elif isinstance(actual, pd.arrays.DatetimeArray | pd.arrays.TimedeltaArray):
        kind = f"{actual.dtype.kind}8[{actual.unit}]"  # with a time zone: in UTC
        yield Pair(actual.to_numpy(dtype=kind), expected.to_numpy(dtype=kind))
    elif isinstance(actual.dtype, pd.PeriodDtype) and np.array_equal(actual.asi8, expected.asi8):
        return
    else:
        yield Pair(list(actual), list(expected))


def compare_masked(actual: Any, expected: Any) -> Iterator[Finding]:
    """Compare what is missing, then the values where neither side lacks one."""
    lacks, lacked = actual.isna(), expected.isna()
    dtype = actual.dtype.numpy_dtype
    zero = dtype.type(0)
    sides = [side.to_numpy(dtype=dtype, na_value=zero) for side in (actual, expected)]
    if not np.array_equal(lacks, lacked):
        yield Pair(lacks, lacked, ATTRIBUTE, "isna()")
        sides = [np.where(lacks | lacked, zero, side) for side in sides]
    yield Pair(*sides)
