"""The comparers of xarray's labelled arrays.

Names, dimensions, attributes, coordinates, indexes and the arrays inside count, the arrays by the
rules of their own type. `encoding` does not: it only describes how to write a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xarray as xr
from xarray.indexes import PandasIndex

from ..pairs import ATTRIBUTE, Comparer, Finding, Pair, Relation, Unequal, add_attributes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CHUNKED = "its chunks are not computed yet; return its .compute()"


def find(cls: type) -> Comparer | None:
    """Return the comparer of one of xarray's classes, None for other classes."""
    for base, comparer in _TABLE:
        if issubclass(cls, base):
            own = cls.__module__.partition(".")[0] == "xarray"
            return comparer if own else add_attributes(comparer, base)
    return None


def _compare_variables(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    """Compare dimensions, attributes and the array, whatever its type."""
    yield Pair(actual.dims, expected.dims, ATTRIBUTE, "dims")
    yield Pair(actual.attrs, expected.attrs, ATTRIBUTE, "attrs")
    if actual.chunks is not None or expected.chunks is not None:
        yield Unequal("uncomparable", actual, expected, _CHUNKED)
    else:
        yield Pair(actual.data, expected.data)


def compare_arrays(actual: Any, expected: Any, relation: Relation) -> Iterator[Finding]:
    yield Pair(actual.name, expected.name, ATTRIBUTE, "name")
    yield Pair(variables(actual.coords), variables(expected.coords), ATTRIBUTE, "coords")
    yield from _compare_indexes(actual, expected)
    yield from _compare_variables(actual.variable, expected.variable, relation)


def _compare_datasets(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    yield Pair(actual.attrs, expected.attrs, ATTRIBUTE, "attrs")
    yield Pair(variables(actual.coords), variables(expected.coords), ATTRIBUTE, "coords")
    yield from _compare_indexes(actual, expected)
    yield Pair(variables(actual.data_vars), variables(expected.data_vars))


def variables(mapping: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the arrays without their coordinates, which are compared separately."""
    return {name: array.variable for name, array in mapping.items()}


def _compare_indexes(actual: Any, expected: Any) -> Iterator[Finding]:
    """Compare which coordinates have an index of which class.

    A pandas index has the values of its coordinate; others are compared by their own method.
    """
    indexes, others = dict(actual.xindexes), dict(expected.xindexes)
    yield Pair(_read_types(indexes), _read_types(others), ATTRIBUTE, "xindexes")
    for name, index in indexes.items():
        other: Any = others.get(name)
        is_decided = type(index) is not type(other) or isinstance(index, PandasIndex)
        if not is_decided and not index.equals(other):
            yield Unequal("value", index, other, suffix=f".xindexes[{name!r}]")


def _read_types(values: Mapping[Any, object]) -> dict[Any, type]:
    return {name: type(value) for name, value in values.items()}


def _compare_trees(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    """Compare names, each node's own dataset, and the nodes below."""
    yield Pair(actual.name, expected.name, ATTRIBUTE, "name")
    left, right = (side.to_dataset(inherit=False) for side in (actual, expected))
    yield Pair(left, right, ATTRIBUTE, "dataset")
    yield Pair(dict(actual.children), dict(expected.children), ATTRIBUTE, "children")


_TABLE: list[tuple[type, Comparer]] = [
    (xr.Variable, _compare_variables),
    (xr.DataArray, compare_arrays),
    (xr.Dataset, _compare_datasets),
]
if hasattr(xr, "DataTree"):  # from 2024.10
    _TABLE.append((xr.DataTree, _compare_trees))
