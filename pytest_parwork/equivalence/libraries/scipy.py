"""The comparer of SciPy's sparse matrices and arrays.

Class (and with it the format), data type, shape and the bits of every element count. These do not:
the order in which entries are stored, duplicate entries that add up, and whether indices have 32 or
64 bits, which SciPy chooses by size. A stored zero is a note; a stored -0.0 is a value.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..arrays import compare_elements
from ..elements import find_differing, split_blocks
from ..floats import Distance
from ..pairs import ATTRIBUTE, Comparer, Finding, Pair, Relation, Remark, Unequal

if TYPE_CHECKING:
    from collections.abc import Iterator

    Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
    #: Positions, one per column, in row order, and the elements at them.
    Entries: TypeAlias = tuple[Array, Array]

#: The arrays that hold a matrix, by format; other formats are read in other ways.
_PARTS = {
    "bsr": ("indptr", "indices", "data"),
    "csc": ("indptr", "indices", "data"),
    "csr": ("indptr", "indices", "data"),
    "dia": ("offsets", "data"),
}


def find(cls: type) -> Comparer | None:
    """Return the comparer of one of SciPy's sparse classes, None for other classes."""
    is_sparse = cls.__module__.startswith("scipy.sparse.") and hasattr(cls, "tocoo")
    return _compare_matrices if is_sparse else None


def _compare_matrices(actual: Any, expected: Any, relation: Relation) -> Iterator[Finding]:
    for name in ("dtype", "shape"):
        left, right = getattr(actual, name), getattr(expected, name)
        if left != right:
            yield Unequal(name, actual, expected, f"{name} {left}, expected {right}")
            return
    if actual.format == "bsr":
        yield Pair(actual.blocksize, expected.blocksize, ATTRIBUTE, "blocksize")
    if _is_stored_alike(actual, expected):
        return
    sides = [_read_entries(side) for side in (actual, expected)]
    if not np.array_equal(sides[0][0], sides[1][0]):
        stored = [positions.shape[1] for positions, _ in sides]
        sides = [_drop_zeros(side) for side in sides]
        if np.array_equal(sides[0][0], sides[1][0]):
            zeros = [number - sides[0][0].shape[1] for number in stored]
            text = f"{zeros[0]} stored zeros, expected {zeros[1]}"
            yield Remark("explicit-zeros", text if zeros[0] != zeros[1] else "stored elsewhere")
        else:
            sides = spread(*sides)
    (positions, left), (_, right) = sides
    write = partial(_write_position, positions)
    for finding in compare_elements(left, right, relation, write=write):
        if isinstance(finding, Unequal) and isinstance(finding.distance, Distance):
            whole = f"{actual.dtype}, shape {actual.shape}"
            finding = finding._replace(distance=finding.distance._replace(array=whole))
        yield finding


def _write_position(positions: Array, number: int) -> str:
    return f"[{', '.join(str(int(i)) for i in positions[:, number])}]"


def _is_stored_alike(actual: Any, expected: Any) -> bool:
    """Confirm quickly that two matrices are equal; False means unknown."""
    sides = [_read_arrays(side) for side in (actual, expected)]
    return bool(sides[0]) and all(
        left.dtype == right.dtype
        and left.shape == right.shape
        and all(find_differing(a, e, None) is None for _, a, e in split_blocks(left, right))
        for left, right in zip(*sides, strict=True)
    )


def _read_arrays(matrix: Any) -> list[Array]:
    """Return the arrays that hold a matrix, none if it is stored differently."""
    if matrix.format == "coo":
        return [*_read_coords(matrix), matrix.data]
    return [getattr(matrix, name) for name in _PARTS.get(matrix.format, ())]


def _read_entries(matrix: Any) -> Entries:
    """Return the stored entries, row by row, each position once."""
    if matrix.format == "dia":
        return _read_diagonals(matrix)
    entries = matrix.tocoo(copy=True)
    entries.sum_duplicates()
    return _sort_entries(np.array(_read_coords(entries), dtype="i8"), entries.data)


def _read_coords(matrix: Any) -> tuple[Array, ...]:
    coords = getattr(matrix, "coords", None)  # from SciPy 1.13
    return coords if coords is not None else (matrix.row, matrix.col)


def _read_diagonals(matrix: Any) -> Entries:
    """As `_read_entries`; its own `tocoo` would drop every zero, -0.0 too."""
    column = np.arange(matrix.data.shape[1])
    row = column - matrix.offsets[:, None]
    inside = (row >= 0) & (row < matrix.shape[0]) & (column < matrix.shape[1])
    columns = np.broadcast_to(column, row.shape)
    return _sort_entries(np.array([row[inside], columns[inside]], dtype="i8"), matrix.data[inside])


def _sort_entries(positions: Array, data: Array) -> Entries:
    order = np.lexsort(positions[::-1])
    return positions[:, order], data[order]


def _drop_zeros(entries: Entries) -> Entries:
    """Drop zeros without any bit set: entries that are not stored have the same value."""
    positions, data = entries
    data = np.ascontiguousarray(data)
    where = data.view("u1").reshape(len(data), data.itemsize).any(axis=1)
    return positions[:, where], data[where]


def spread(actual: Entries, expected: Entries) -> list[Entries]:
    """Return the entries of both at all positions that either has."""
    both = np.concatenate([actual[0], expected[0]], axis=1)
    positions, place = np.unique(both, axis=1, return_inverse=True)
    place = place.reshape(-1)  # it has two axes in NumPy 2.0
    sides = []
    for where, data in (
        (place[: len(actual[1])], actual[1]),
        (place[len(actual[1]) :], expected[1]),
    ):
        values = np.zeros(positions.shape[1], data.dtype)
        values[where] = data
        sides.append((positions, values))
    return sides
