"""The comparers of NumPy arrays and scalars."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from .elements import Tally, find_differing, is_reordered, split_blocks
from .pairs import (
    ATTRIBUTE,
    ITEM,
    Comparer,
    Finding,
    Pair,
    Relation,
    Remark,
    Unequal,
    add_attributes,
    pair_attributes,
)
from .plain import are_plainly_equal
from .scalars import compare_floats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

    Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


def find(cls: type) -> Comparer | None:
    """Return the comparer of a NumPy class, None for others, or if NumPy is not imported."""
    if sys.modules.get("numpy") is None:
        return None
    import numpy as np

    if issubclass(cls, np.ma.MaskedArray):
        return compare_masked if cls.__module__.startswith("numpy.") else _compare_masked_subclass
    if issubclass(cls, np.ndarray) and cls.__eq__ is np.ndarray.__eq__:
        return compare_arrays if cls in (np.ndarray, np.memmap) else add_attributes(compare_arrays)
    if issubclass(cls, np.generic):
        return compare_scalars if cls.__module__ == "numpy" else add_attributes(compare_scalars)
    if issubclass(cls, np.dtype):
        return compare_dtypes
    return None


def unify(cls: type) -> type:
    """Return numpy.ndarray for numpy.memmap, which differs only in where the data is stored."""
    numpy = sys.modules.get("numpy")
    return numpy.ndarray if numpy is not None and cls is numpy.memmap else cls


def compare_dtypes(actual: object, expected: object, _: Relation) -> Iterator[Finding]:
    if actual != expected:
        yield Unequal("dtype", actual, expected)


def compare_scalars(
    actual: np.generic, expected: np.generic, relation: Relation
) -> Iterator[Finding]:
    import numpy as np

    if isinstance(actual, float) and isinstance(expected, float):
        yield from compare_floats(float(actual), float(expected), relation)
    elif isinstance(actual, np.character):
        if actual.item() != expected.item():
            yield Unequal("value", actual, expected)
    else:
        yield from compare_arrays(np.asarray(actual), np.asarray(expected), relation)


def compare_arrays(actual: Array, expected: Array, relation: Relation) -> Iterator[Finding]:
    """Compare dtype and shape, then the elements by bits, with all NaNs equal."""
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
        if are_plainly_equal(actual.ravel().tolist(), expected.ravel().tolist()):
            return
        for index in np.ndindex(actual.shape):
            form = f"[{', '.join(map(str, index))}]" if index else ""
            yield Pair(np.asarray(actual)[index], np.asarray(expected)[index], form)
    else:
        yield from compare_elements(np.asarray(actual), np.asarray(expected), relation)


def compare_elements(
    actual: Array,
    expected: Array,
    relation: Relation,
    *,
    write: Callable[[int], str] | None = None,
) -> Iterator[Finding]:
    """Compare arrays of one dtype and shape, block by block; yield at most one mismatch.

    `write` turns the number of an element in C order into its index, for arrays that hold only some
    elements of another value.
    """
    import numpy as np

    tally = Tally()
    payloads = False
    for start, left, right in split_blocks(actual, expected):
        where = find_differing(left, right, relation.tolerance)
        if where is None:
            continue
        if where.any():
            tally.add(start, left, right, where)
        elif left.dtype.kind in "fc":
            payloads |= bool(np.isnan(left).any())
    if payloads and relation.tolerance is None:
        yield Remark("nan-payload", "NaNs with different bits")
    if not tally.count:
        return
    if write is None and tally.count > 1 and is_reordered(actual, expected):
        difference = f"the same {actual.size} elements in another order, {tally.count} moved"
        yield Unequal("order-only", actual, expected, difference)
        return
    write = write or partial(_write_index, actual)
    indices = [write(i) for i in tally.first]
    at = write(tally.furthest) if tally.furthest is not None else ""
    first = np.unravel_index(tally.first[0], actual.shape)
    texts = [tally.describe(actual.size, indices, at)]
    if relation.tolerance is not None and tally.furthest is not None:
        furthest = np.unravel_index(tally.furthest, actual.shape)
        with np.errstate(all="ignore"):
            allowance = relation.tolerance.allow(actual[furthest], expected[furthest])
        texts.append(f"{allowance} at {at}" if tally.count > 1 else allowance)
    yield Unequal(
        tally.kind,
        _read_element(actual, first),
        _read_element(expected, first),
        "; ".join(texts),
        suffix=indices[0],
        distance=tally.distance(actual, indices if actual.ndim else (), at),
    )


def _write_index(array: Array, number: int) -> str:
    """Write the index of the element with a number in C order: `[3, 4]`, empty without axes."""
    import numpy as np

    if not array.ndim:
        return ""
    return f"[{', '.join(str(int(i)) for i in np.unravel_index(number, array.shape))}]"


def _read_element(array: Array, index: tuple[Any, ...]) -> Any:
    element = array[index]
    return element.item() if array.dtype.kind in "biufcSU" else element


def compare_masked(
    actual: np.ma.MaskedArray[Any, Any],
    expected: np.ma.MaskedArray[Any, Any],
    relation: Relation,
) -> Iterator[Finding]:
    """Compare the masks, the elements that they leave visible, and what fills the others."""
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
        if type(actual) is np.ma.MaskedArray:  # the mask of a subclass is sent without its hardness
            yield Pair(bool(actual.hardmask), bool(expected.hardmask), ATTRIBUTE, "hardmask")
        fills = read_fill_value(actual), read_fill_value(expected)
        yield Pair(*fills, ATTRIBUTE, "fill_value")


def read_fill_value(value: np.ma.MaskedArray[Any, Any]) -> Array:
    """Return the fill value without setting it, as the attribute `fill_value` does if it is unset.

    Unset, it is the default of the dtype, which is what pickle makes of it.
    """
    import numpy as np

    fill = getattr(value, "_fill_value", None)
    if fill is None:
        fill = np.ma.MaskedArray(np.empty(0, value.dtype)).fill_value
    return np.asarray(fill)


def _compare_masked_subclass(
    actual: np.ma.MaskedArray[Any, Any],
    expected: np.ma.MaskedArray[Any, Any],
    relation: Relation,
) -> Iterator[Finding]:
    """Compare as masked arrays, then the attributes that are not NumPy's."""
    import numpy as np

    yield from compare_masked(actual, expected, relation)
    known = vars(np.ma.array(0))
    yield from pair_attributes(
        *(
            {n: part for n, part in vars(side).items() if n not in known}
            for side in (actual, expected)
        )
    )
