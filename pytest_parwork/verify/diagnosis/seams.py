"""Whether two results differ at the edges of chunks only, in whatever way a value cuts them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from math import prod
from typing import Any, TypeAlias

from ...model.dataclass import dataclass

#: The edges inside a result, by axis.
Edges: TypeAlias = tuple[tuple[int, ...], ...]

#: A place in a result, by axis.
Position: TypeAlias = tuple[int, ...]

#: The widest band on either side of an edge, as a share of the distance between two edges.
WIDEST = 0.3

#: The likelihood of differences that lie near edges by chance.
DOUBT = 0.001

#: Smaller relative differences count as none. An element near an edge is made of few neighbours, so
#: that rounding is below 1e-12, while a seam in smooth data may be as small as 1e-8.
NOISE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Seams:
    """Edges between chunks, with all differences at most `width` elements away; `count` of them."""

    edges: Edges
    width: float
    count: int

    def fits(self, actual: object, expected: object) -> bool:
        """Return whether the differences of two results lie at these edges, too."""
        return all(_distance(one, self.edges) <= self.width for one in _different(actual, expected))

    def __str__(self) -> str:
        """Say where the differences lie."""
        axes = [", ".join(map(str, axis[:4])) for axis in self.edges if axis]
        where = " and ".join(dict.fromkeys(axes))
        return (
            f"all {self.count} elements that differ by more than rounding lie within "
            f"{self.width:g} of an edge between chunks, at {where}"
        )


def seams_of(
    actual: object, expected: object, value: object, *, widest: float = WIDEST
) -> Seams | None:
    """Return the seams where two results differ, None if they differ elsewhere, too.

    `value` says how they are cut: the length of a chunk, for each axis or for all, or the number of
    chunks. So few elements must be near the edges that it is no chance; `widest` is the share of a
    chunk that counts as near.
    """
    found = _different(actual, expected)
    shape = _shape(expected)
    if not found or shape is None:
        return None
    for edges in _edges(value, shape):
        width = max(_distance(one, edges) for one in found)
        gap = min((axis[0] for axis in edges if axis), default=0)
        near = 1.0 - prod(
            1.0 - min(1.0, (2 * width + 1) * len(axis) / length)
            for axis, length in zip(edges, shape, strict=True)
        )
        if width + 0.5 <= widest * gap and near ** len(found) < DOUBT:
            return Seams(edges=edges, width=width, count=len(found))
    return None


def _edges(value: object, shape: Position) -> Iterator[Edges]:
    """Yield the ways in which a value may cut a result."""
    none: Edges = tuple(() for _ in shape)
    if isinstance(value, tuple | list) and len(value) == len(shape):
        if all(type(size) is int for size in value):
            yield tuple(map(_by_size, value, shape))
    elif type(value) is int and value > 0:
        yield tuple(_by_size(value, length) for length in shape)
        yield (_by_size(value, shape[0]), *none[1:])
        if value <= shape[0]:
            yield (_by_count(value, shape[0]), *none[1:])


def _by_size(size: int, length: int) -> tuple[int, ...]:
    return tuple(range(size, length, size)) if size > 0 else ()


def _by_count(count: int, length: int) -> tuple[int, ...]:
    """Return the edges of so many chunks, the first ones longer by one if they have to be."""
    size, longer = divmod(length, count)
    return tuple(n * size + min(n, longer) for n in range(1, count))


def _distance(position: Position, edges: Edges) -> float:
    """Return how far the middle of an element is from the next edge, on whatever axis."""
    return min(
        (abs(at + 0.5 - edge) for at, axis in zip(position, edges, strict=True) for edge in axis),
        default=float("inf"),
    )


def _shape(value: Any) -> Position | None:
    if _is_array(value):
        return tuple(map(int, value.shape)) if value.ndim else None
    return (len(value),) if isinstance(value, list | tuple) and value else None


def _is_array(value: object) -> bool:
    numpy: Any = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray) and value.dtype.kind in "biufc"


def _different(actual: Any, expected: Any) -> list[Position]:
    """Return where two results of one shape differ by more than rounding."""
    if _is_array(actual) and _is_array(expected) and actual.shape == expected.shape:
        numpy: Any = sys.modules["numpy"]
        same = numpy.isclose(actual, expected, rtol=NOISE, atol=0.0, equal_nan=True)
        return [tuple(map(int, place)) for place in numpy.argwhere(~same)]
    is_listed = type(actual) is type(expected) and isinstance(actual, list | tuple)
    if not is_listed or len(actual) != len(expected) or any(map(_is_array, (*actual, *expected))):
        return []
    pairs = enumerate(zip(actual, expected, strict=True))
    return [(at,) for at, (one, other) in pairs if one != other]
