"""The comparers of polars's frames and series.

Column names and their order, data types and elements count, nulls and NaNs apart. How a series is
chunked, flags such as "sorted", and the codes of categories do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ..objects import reject
from ..pairs import ATTRIBUTE, ITEM, Comparer, Finding, Pair, Relation, Unequal

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Types that are stored as numbers of at most 64 bits.
NUMBERS = (
    *(pl.Int8, pl.Int16, pl.Int32, pl.Int64),
    *(pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
    *(pl.Float32, pl.Float64, pl.Boolean),
    *(pl.Date, pl.Time, pl.Datetime, pl.Duration),
    *((pl.Float16,) if hasattr(pl, "Float16") else ()),
)
#: Types without floats inside, for which polars's own equality decides.
_DECIDED = (pl.String, pl.Binary, pl.Decimal, pl.Null)


def find(cls: type) -> Comparer | None:
    """Return the comparer of one of polars's classes, None for other classes."""
    if issubclass(cls, pl.DataFrame):
        return _compare_frames
    if issubclass(cls, pl.Series):
        return _compare_series
    if issubclass(cls, pl.LazyFrame):
        return reject("a LazyFrame is not computed yet; return its .collect()")
    if issubclass(cls, pl.Expr):
        return _compare_expressions
    if issubclass(cls, pl.DataType):
        return _compare_types
    return None


def _compare_frames(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    """Compare the names in their order, then the columns that both have."""
    yield Pair(actual.columns, expected.columns, ATTRIBUTE, "columns")
    if actual.height != expected.height:
        difference = f"shape {actual.shape}, expected {expected.shape}"
        yield Unequal("shape", actual, expected, difference)
        return
    known = set(expected.columns)
    for name in actual.columns:
        if name in known:
            yield Pair(actual[name], expected[name], ITEM, name)


def _compare_types(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    """Compare the repr as well: for polars, `List(Datetime)` equals any list of datetimes."""
    if actual != expected or repr(actual) != repr(expected):
        yield Unequal("dtype", actual, expected)


def _compare_expressions(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    """Compare the states that pickle saves: for `meta.eq`, both zeros are the same."""
    if actual.meta.serialize() != expected.meta.serialize():
        yield Unequal("value", actual, expected)


def _compare_series(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    """Compare name, data type, length, which elements are null, then the others."""
    yield Pair(actual.name, expected.name, ATTRIBUTE, "name")
    if actual.dtype != expected.dtype:
        difference = f"dtype {actual.dtype}, expected {expected.dtype}"
        yield Unequal("dtype", actual, expected, difference)
    elif len(actual) != len(expected):
        difference = f"shape {actual.shape}, expected {expected.shape}"
        yield Unequal("shape", actual, expected, difference)
    elif actual.dtype in _DECIDED:
        yield from _compare_decided(actual, expected)
    elif actual.dtype in (pl.Categorical, pl.Enum):
        yield from _compare_decided(actual.cast(pl.String), expected.cast(pl.String))
    elif actual.dtype in NUMBERS or actual.dtype in (pl.List, pl.Array, pl.Struct):
        if actual.null_count() or expected.null_count():
            left, right = (side.is_null().to_numpy() for side in (actual, expected))
            yield Pair(left, right, ATTRIBUTE, "is_null()")
            if (left != right).any():  # reported; the rest is what both have
                actual = actual.zip_with(pl.Series(~left & ~right), expected)
        yield from compare_parts(actual, expected)
    else:
        yield Pair(actual.to_list(), expected.to_list())


def _compare_decided(actual: Any, expected: Any) -> Iterator[Finding]:
    if not actual.equals(expected, null_equal=True):
        yield Pair(actual.to_list(), expected.to_list())


def compare_parts(actual: Any, expected: Any) -> Iterator[Finding]:
    """Compare numbers as arrays, nested types by their fields, or by lengths and leaves."""
    if actual.dtype in NUMBERS:
        yield Pair(_read_numbers(actual), _read_numbers(expected))
    elif actual.dtype == pl.Struct:
        for name in actual.struct.fields:
            left, right = (side.struct.field(name) for side in (actual, expected))
            yield Pair(left, right, f".struct.field({name!r})")
    else:
        if actual.dtype == pl.List:
            yield Pair(actual.list.len(), expected.list.len(), ATTRIBUTE, "list.len()")
        yield Pair(actual.explode(), expected.explode(), ATTRIBUTE, "explode()")


def _read_numbers(series: Any) -> Any:
    """Return the numbers, without a copy if there is no null and only one chunk."""
    physical = series.to_physical()
    if physical.null_count():
        physical = physical.fill_null(False if series.dtype == pl.Boolean else 0)
    numbers = physical.to_numpy()
    if series.dtype == pl.Datetime:
        return numbers.view(f"M8[{series.dtype.time_unit}]")
    if series.dtype == pl.Duration:
        return numbers.view(f"m8[{series.dtype.time_unit}]")
    return numbers.astype("M8[D]") if series.dtype == pl.Date else numbers
