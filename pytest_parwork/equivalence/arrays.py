"""The comparers of NumPy arrays and scalars."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeAlias

from .elements import Tally, split_blocks, tell_differing
from .pairs import ATTRIBUTE, ITEM, Comparer, Finding, Pair, Relation, Unequal, add_attributes
from .scalars import compare_floats

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

__all__ = ["find", "is_bool", "unify"]


def find(cls: type) -> Comparer | None:
    """Return the comparer of a NumPy class, None for others, and while nobody imported NumPy."""
    if sys.modules.get("numpy") is None:
        return None
    import numpy as np

    if issubclass(cls, np.ma.MaskedArray):
        return compare_masked
    if issubclass(cls, np.ndarray) and cls.__eq__ is np.ndarray.__eq__:
        return compare_arrays if cls in (np.ndarray, np.memmap) else add_attributes(compare_arrays)
    if issubclass(cls, np.generic):
        return compare_scalars
    if issubclass(cls, np.dtype):
        return compare_dtypes
    return None


def unify(cls: type) -> type:
    """Return numpy.ndarray for numpy.memmap, which is where the data lies, not what it is."""
    numpy = sys.modules.get("numpy")
    return numpy.ndarray if numpy is not None and cls is numpy.memmap else cls


def is_bool(value: object) -> bool:
    """Tell whether `value` is a bool of Python or NumPy."""
    numpy = sys.modules.get("numpy")
    return isinstance(value, bool) or (numpy is not None and isinstance(value, numpy.bool_))


def compare_dtypes(actual: object, expected: object, _: Relation) -> Iterator[Finding]:
    if actual != expected:
        yield Unequal("dtype", actual, expected)


def compare_scalars(
    actual: np.generic, expected: np.generic, relation: Relation
) -> Iterator[Finding]:
    import numpy as np

    if isinstance(actual, float) and isinstance(expected, float):
        yield from compare_floats(float(actual), float(expected), relation)
    else:
        yield from compare_arrays(np.asarray(actual), np.asarray(expected), relation)


def compare_arrays(actual: Array, expected: Array, relation: Relation) -> Iterator[Finding]:
    """Compare dtype, shape, then the elements by bits, all NaNs one class."""
    import numpy as np

    if actual.dtype != expected.dtype:
        difference = f"dtype {actual.dtype}, expected {expected.dtype}"
        yield Unequal("dtype", actual, expected, difference)
    elif actual.shape != expected.shape:
        difference = f"shape {actual.shape}, expected {expected.shape}"
        yield Unequal("shape", actual, expected, difference)
    elif actual.dtype.names is not None:
        for name in actual.dtype.names:
            left, right = np.asarray(actual)[name], np.asarray(expected)[name]
            yield Pair(left, right, ITEM, name)
    elif actual.dtype.hasobject:
        for index in np.ndindex(actual.shape):
            yield Pair(actual[index], expected[index], f"[{write_index(index)}]" if index else "")
    else:
        yield from compare_elements(np.asarray(actual), np.asarray(expected), relation)


def compare_elements(actual: Array, expected: Array, relation: Relation) -> Iterator[Finding]:
    """Compare arrays of one dtype and shape, a block at a time; yield at most one mismatch."""
    import numpy as np

    tally = Tally()
    for start, left, right in split_blocks(actual, expected):
        where = tell_differing(left, right, relation.tolerance)
        if where is not None:
            tally.add(start, left, right, where)
    if tally.count:
        index = [tuple(map(int, np.unravel_index(i, actual.shape))) for i in tally.first]
        yield Unequal(
            "sign-of-zero" if tally.only_zeros else "value",
            read_element(actual, index[0]),
            read_element(expected, index[0]),
            tally.describe(actual.size, [f"[{write_index(i)}]" for i in index]),
            suffix=f"[{write_index(index[0])}]" if actual.ndim else "",
        )


def write_index(index: tuple[int, ...]) -> str:
    return ", ".join(map(str, index))


def read_element(array: Array, index: tuple[int, ...]) -> object:
    element = array[index]
    return element.item() if array.dtype.kind in "biufcSU" else element


def compare_masked(
    actual: np.ma.MaskedArray[Any, Any],
    expected: np.ma.MaskedArray[Any, Any],
    relation: Relation,
) -> Iterator[Finding]:
    """Compare masks and what they leave visible."""
    import numpy as np

    if actual.dtype != expected.dtype or actual.shape != expected.shape:
        yield from compare_arrays(actual, expected, relation)
    elif actual.dtype.names is not None:
        for name in actual.dtype.names:
            yield Pair(actual[name], expected[name], ITEM, name)
    else:
        mask = np.ma.getmaskarray(actual)
        yield Pair(mask, np.ma.getmaskarray(expected), ATTRIBUTE, "mask")
        visible = np.array(actual.data)
        hidden = mask | np.ma.getmaskarray(expected)
        visible[hidden] = np.asarray(expected.data)[hidden]
        yield Pair(visible, np.asarray(expected.data), ATTRIBUTE, "data")
