"""The elements of two arrays of one dtype and shape, compared block by block."""

from __future__ import annotations

import math
from dataclasses import field
from typing import TYPE_CHECKING, Any, TypeAlias

from ..model.dataclass import dataclass
from .floats import FEW_ULP, Distance, write_number, write_relative, write_ulp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from .pairs import Tolerance

    Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

#: Bytes of a block: it stays in the cache between its comparison by bits and the later steps.
_BLOCK = 1 << 20
_FIRST = 5


def split_blocks(
    actual: Array, expected: Array, *, start: int = 0
) -> Iterator[tuple[int, Array, Array]]:
    """Yield (number of the first element, block, block), one-dimensional and contiguous.

    The elements come in C order; where they are stored in another order, block by block is copied.
    """
    import numpy as np

    if actual.nbytes == 0:
        return
    if actual.nbytes <= _BLOCK or (actual.flags.c_contiguous and expected.flags.c_contiguous):
        left = np.ascontiguousarray(actual).reshape(-1)
        right = left if expected is actual else np.ascontiguousarray(expected).reshape(-1)
        step = max(_BLOCK // actual.itemsize, 1)
        for first in range(0, left.size, step):
            yield start + first, left[first : first + step], right[first : first + step]
        return
    rows = max(len(actual) * _BLOCK // actual.nbytes, 1)
    for row in range(0, len(actual), rows):
        slabs = [side[row : row + rows] for side in (actual, expected)]
        if rows == 1:
            slabs = [slab.reshape(slab.shape[1:]) for slab in slabs]
        same = expected is actual
        yield from split_blocks(
            slabs[0], slabs[0 if same else 1], start=start + row * actual.size // len(actual)
        )


def find_differing(actual: Array, expected: Array, tolerance: Tolerance | None) -> Array | None:
    """Return which elements of two blocks differ, None if all have the same bits."""
    import numpy as np

    word = "u8" if actual.nbytes % 8 == 0 else "u1"
    if np.array_equal(actual.view("u1").view(word), expected.view("u1").view(word)):
        return None
    kind = actual.dtype.kind
    if kind == "f":
        where = ~_find_same(actual, expected)
    elif kind == "c":
        where = ~(_find_same(actual.real, expected.real) & _find_same(actual.imag, expected.imag))
    else:
        size = actual.itemsize
        left, right = actual.view("u1"), expected.view("u1")
        where = (left != right).reshape(-1, size).any(axis=1)
    if kind in "fc" and tolerance is not None:
        where[where] = ~tolerance.admits_elements(actual[where], expected[where])
    return where


def _find_same(actual: Array, expected: Array) -> Array:
    """Return which floats have the same bits, with all NaNs equal, and whatever their padding."""
    import numpy as np

    same: Array = (actual == expected) & (np.signbit(actual) == np.signbit(expected))
    same |= np.isnan(actual) & np.isnan(expected)
    return same


@dataclass(slots=True, kw_only=True)
class Tally:
    """The differences so far: the number of elements, the first ones, the largest distances."""

    count: int = 0
    first: list[int] = field(default_factory=list)
    only_zeros: bool = True
    only_finite: bool = True
    numbers: bool = False
    absolute: float = 0.0
    furthest: int | None = None
    relative: float = 0.0
    ulp: int | None = None

    def add(self, start: int, actual: Array, expected: Array, where: Array) -> None:
        """Add the differing elements of a block."""
        indices = where.nonzero()[0]
        self.count += indices.size
        self.first += [start + int(i) for i in indices[: _FIRST - len(self.first)]]
        actual, expected = actual[where], expected[where]
        kind = actual.dtype.kind
        self.only_zeros &= kind in "fc" and not (actual.any() or expected.any())
        if kind in "iufc":
            self.measure(start + indices, actual, expected)

    def measure(self, indices: Array, actual: Array, expected: Array) -> None:
        """Add the distances between those of the numbers that are finite."""
        import numpy as np

        finite = np.isfinite(actual) & np.isfinite(expected)
        self.only_finite &= bool(finite.all())
        if not finite.any():
            return
        self.numbers = True
        indices, actual, expected = indices[finite], actual[finite], expected[finite]
        with np.errstate(all="ignore"):
            absolute = _subtract(actual, expected)
            relative = absolute / np.abs(_widen(expected))
        largest = int(np.argmax(absolute))
        if self.furthest is None or absolute[largest] > self.absolute:
            self.absolute, self.furthest = float(absolute[largest]), int(indices[largest])
        self.relative = max(self.relative, float(np.max(np.nan_to_num(relative, posinf=0.0))))
        steps = count_ulps(actual, expected)
        if steps is not None:
            self.ulp = max(self.ulp or 0, int(steps.max()))

    @property
    def kind(self) -> str:
        """The class of the mismatch."""
        if self.only_zeros:
            return "sign-of-zero"
        few = self.ulp is not None and self.ulp <= FEW_ULP
        return "≤4 ulp" if few and self.only_finite else "value"

    def distance(self, array: Array, indices: Sequence[str], at: str) -> Distance:
        """Return the distance for the differing elements of an array."""
        return Distance(
            absolute=self.absolute if self.numbers and math.isfinite(self.absolute) else None,
            relative=self.relative if self.numbers and math.isfinite(self.relative) else None,
            ulp=self.ulp if self.only_finite else None,
            array=f"{array.dtype}, shape {array.shape}" if array.ndim else "",
            differing=self.count,
            size=array.size,
            indices=tuple(indices),
            at=at,
        )

    def describe(self, size: int, indices: list[str], at: str) -> str:
        """Describe how many of `size` elements differ, the first ones, and the largest distances.

        `at` is the index of the elements with the largest distance.
        """
        if size == 1:
            texts = []
        else:
            more = ", …" if self.count > len(indices) else ""
            texts = [f"{self.count} of {size} elements differ, at {', '.join(indices)}{more}"]
        if self.only_zeros:
            texts.append("the sign of zero")
        elif self.numbers:
            sizes = [f"abs {write_number(self.absolute)}"]
            if self.relative:
                sizes.append(f"rel {write_relative(self.relative).removesuffix(' relative')}")
            if self.ulp is not None:
                sizes.append(write_ulp(self.ulp))
            if self.count > 1:
                sizes = [f"max {text}" for text in sizes]
                sizes[0] += f" at {at}"
            texts.append(", ".join(sizes))
        return "; ".join(texts)


def is_reordered(actual: Array, expected: Array) -> bool:
    """Return whether two arrays of one dtype and shape hold the same bits in another order."""
    import numpy as np

    word = next(size for size in (8, 4, 2, 1) if actual.itemsize % size == 0)
    sides = [
        np.ascontiguousarray(side).reshape(-1).view(f"u{word}").reshape(actual.size, -1)
        for side in (actual, expected)
    ]
    left, right = (side.sum(axis=0, dtype="u8") for side in sides)
    if not np.array_equal(left, right):  # a fast check that rejects most arrays
        return False
    left, right = (side[np.lexsort(side.T)] for side in sides)
    return bool(np.array_equal(left, right))


def _subtract(actual: Array, expected: Array) -> Array:
    """Return the absolute differences; those of 64-bit integers are exact, whatever their size."""
    import numpy as np

    if actual.dtype.kind in "iu":
        high, low = np.maximum(actual, expected), np.minimum(actual, expected)
        apart: Array = high.astype("u8") - low.astype("u8")
        return apart.astype("f8")
    distance: Array = np.abs(_widen(actual) - _widen(expected))
    return distance


def _widen(array: Array) -> Array:
    """Return numbers in at least double precision."""
    import numpy as np

    wide: Array = array.astype(np.result_type(array.dtype, np.float64))
    return wide


def count_ulps(actual: Array, expected: Array) -> Array | None:
    """Return how many steps of the number line lie between finite floats, None for other types.

    For complex numbers, the larger count of both parts.
    """
    import numpy as np

    if actual.dtype.kind == "c":
        parts = [
            count_ulps(np.ascontiguousarray(a), np.ascontiguousarray(e))
            for a, e in ((actual.real, expected.real), (actual.imag, expected.imag))
        ]
        real, imag = parts
        return None if real is None or imag is None else np.maximum(real, imag)
    if actual.dtype.kind != "f":
        return None
    size = actual.dtype.itemsize
    if size > 8:
        pairs = zip(actual, expected, strict=True)
        return np.array([abs(_rank(a) - _rank(e)) for a, e in pairs], dtype=object)
    sides = []
    for side in (actual, expected):
        bits = np.ascontiguousarray(side, dtype=f"f{size}").view(f"u{size}").astype("u8")
        sign = bits >> np.uint64(8 * size - 1)
        sides.append((sign, bits & np.uint64((1 << (8 * size - 1)) - 1)))
    (left_sign, left), (right_sign, right) = sides
    apart = np.maximum(left, right) - np.minimum(left, right)
    steps: Array = np.where(left_sign == right_sign, apart, left + right)
    return steps


def _rank(number: Any) -> int:
    """Return the place of a finite numpy.longdouble on its number line, 0 for both zeros."""
    import numpy as np

    limits = np.finfo(type(number))
    mantissa, exponent = np.frexp(abs(number))
    above = int(exponent) - 1 - limits.minexp  # powers of two above the smallest normal number
    if number == 0 or above < 0:
        place = int(np.ldexp(abs(number), limits.nmant - limits.minexp))
    else:
        place = ((above + 1) << limits.nmant) + int(np.ldexp(2 * mantissa - 1, limits.nmant))
    return -place if number < 0 else place
