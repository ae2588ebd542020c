"""The comparers of Arrow's arrays, tables and schemas.

Types, nullability, metadata, nulls and elements count. These do not: the chunks of an array, its
offset in its buffers, the bytes below a null, and the dictionary that encodes it. IPC,
concatenation and slicing change them, and for Arrow such arrays are equal as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..pairs import ATTRIBUTE, ITEM, Comparer, Finding, Pair, Relation, Unequal
from ..show import show

if TYPE_CHECKING:
    from collections.abc import Iterator


def find(cls: type) -> Comparer | None:
    """Return the comparer of one of Arrow's classes, None for other classes."""
    for base, comparer in _TABLE:
        if issubclass(cls, base):
            return comparer
    return None


def _compare_tables(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    """Compare schema and columns; columns of different types are reported with the schema."""
    yield Pair(actual.schema, expected.schema, ATTRIBUTE, "schema")
    if actual.num_rows != expected.num_rows:
        difference = f"shape {actual.shape}, expected {expected.shape}"
        yield Unequal("shape", actual, expected, difference)
    elif actual.schema.names == expected.schema.names:
        names = actual.schema.names
        for number, name in enumerate(names):
            left, right = actual.column(number), expected.column(number)
            if _is_same_type(left.type, right.type):
                form = ITEM if names.count(name) == 1 else f".column({number})"
                yield Pair(left, right, form, name)


def _is_same_type(actual: Any, expected: Any) -> bool:
    return bool(actual.equals(expected, check_metadata=True))


def _compare_schemas(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    yield Pair(actual.names, expected.names, ATTRIBUTE, "names")
    yield Pair(actual.metadata, expected.metadata, ATTRIBUTE, "metadata")
    if actual.names == expected.names:
        for number in range(len(actual.names)):
            yield Pair(actual.field(number), expected.field(number), f".field({number})")


def _compare_fields(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    for name in ("name", "type", "nullable", "metadata"):
        yield Pair(getattr(actual, name), getattr(expected, name), ATTRIBUTE, name)


def _compare_types(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    if not _is_same_type(actual, expected):
        yield Unequal("dtype", actual, expected)


def _compare_chunked(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    yield Pair(join(actual), join(expected))


def join(chunked: Any) -> Any:
    """Return all chunks as one array, without a copy where there is one."""
    return chunked.chunk(0) if chunked.num_chunks == 1 else chunked.combine_chunks()


def compare_arrays(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    """Compare type and length, then the elements as their type requires."""
    kind = actual.type
    if not _is_same_type(kind, expected.type):
        difference = f"dtype {kind}, expected {expected.type}"
        yield Unequal("dtype", actual, expected, difference)
    elif len(actual) != len(expected):
        difference = f"shape {(len(actual),)}, expected {(len(expected),)}"
        yield Unequal("shape", actual, expected, difference)
    elif isinstance(actual, pa.ExtensionArray):
        yield Pair(actual.storage, expected.storage, ATTRIBUTE, "storage")
    elif isinstance(actual, pa.DictionaryArray):
        if kind.ordered:  # then the place in the dictionary counts
            yield Pair(actual.dictionary, expected.dictionary, ATTRIBUTE, "dictionary")
        yield Pair(actual.dictionary_decode(), expected.dictionary_decode())
    elif pa.types.is_run_end_encoded(kind):
        yield Pair(pc.run_end_decode(actual), pc.run_end_decode(expected))
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        yield from _compare_numbers(actual, expected)
    elif pa.types.is_struct(kind):
        yield from _compare_validity(actual, expected)
        for number, field in enumerate(kind):
            left, right = (side.flatten()[number] for side in (actual, expected))
            yield Pair(left, right, f".field({field.name!r})")
    elif isinstance(actual, _LISTS) and not pa.types.is_map(kind):
        yield Pair(actual.value_lengths(), expected.value_lengths(), ATTRIBUTE, "value_lengths()")
        yield Pair(actual.flatten(), expected.flatten(), ATTRIBUTE, "flatten()")
    elif pa.types.is_nested(kind):  # maps and unions
        yield Pair(list(actual), list(expected))
    elif not actual.equals(expected):  # decides, as there are no floats inside
        is_lossless = pa.types.is_boolean(kind) or not pa.types.is_primitive(kind)
        as_items = type(actual).to_pylist if is_lossless else list
        yield Pair(as_items(actual), as_items(expected))


def _compare_validity(actual: Any, expected: Any) -> Iterator[Finding]:
    if actual.null_count or expected.null_count:
        left, right = (s.is_valid().to_numpy(zero_copy_only=False) for s in (actual, expected))
        yield Pair(left, right, ATTRIBUTE, "is_valid()")


def _compare_numbers(actual: Any, expected: Any) -> Iterator[Finding]:
    """Compare the buffers themselves, with zeros where either side has a null."""
    yield from _compare_validity(actual, expected)
    sides = [_read_numbers(side) for side in (actual, expected)]
    if actual.null_count or expected.null_count:
        valid = pc.and_(actual.is_valid(), expected.is_valid()).to_numpy(zero_copy_only=False)
        sides = [np.where(valid, side, side.dtype.type(0)) for side in sides]
    yield Pair(*sides)


def _read_numbers(array: Any) -> Any:
    dtype = np.dtype(array.type.to_pandas_dtype())
    buffer = array.buffers()[1]
    if buffer is None or not len(array):
        return np.zeros(len(array), dtype)
    return np.frombuffer(buffer, dtype, len(array), array.offset * dtype.itemsize)


def compare_scalars(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    kind = actual.type
    if not _is_same_type(kind, expected.type):
        difference = f"dtype {kind}, expected {expected.type}"
        yield Unequal("dtype", actual, expected, difference)
    elif not (actual.is_valid and expected.is_valid):
        if actual.is_valid or expected.is_valid:
            yield Unequal("value", actual, expected)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        number = np.dtype(kind.to_pandas_dtype()).type
        yield Pair(number(actual.as_py()), number(expected.as_py()))
    elif pa.types.is_struct(kind):
        for position, field in enumerate(kind):
            yield Pair(actual[position], expected[position], ITEM, field.name)
    elif hasattr(actual, "values") and pa.types.is_nested(kind):
        yield Pair(actual.values, expected.values)
    elif hasattr(actual, "value") and not _is_leaf(kind):
        if pa.types.is_union(kind):
            yield Pair(actual.type_code, expected.type_code, ATTRIBUTE, "type_code")
        yield Pair(actual.value, expected.value, ATTRIBUTE, "value")
    elif not _is_leaf(kind):
        advice = f"a scalar of {show(kind)} cannot be compared; return an array"
        yield Unequal("uncomparable", actual, expected, advice)
    elif not actual.equals(expected):
        yield Unequal("value", actual, expected)


def _is_leaf(kind: Any) -> bool:
    """Return whether a type is not nested: its elements contain no others."""
    is_encoded = pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind)
    return not (pa.types.is_nested(kind) or is_encoded or isinstance(kind, pa.BaseExtensionType))


def _compare_tensors(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    yield Pair(actual.dim_names, expected.dim_names, ATTRIBUTE, "dim_names")
    yield Pair(actual.to_numpy(), expected.to_numpy())


_LISTS = tuple(
    getattr(pa, name)
    for name in ("ListArray", "LargeListArray", "FixedSizeListArray")
    + ("ListViewArray", "LargeListViewArray")
    if hasattr(pa, name)
)

_TABLE: list[tuple[type, Comparer]] = [
    (pa.Table, _compare_tables),
    (pa.RecordBatch, _compare_tables),
    (pa.ChunkedArray, _compare_chunked),
    (pa.Array, compare_arrays),
    (pa.Scalar, compare_scalars),
    (pa.Schema, _compare_schemas),
    (pa.Field, _compare_fields),
    (pa.DataType, _compare_types),
    (pa.Tensor, _compare_tensors),
]
