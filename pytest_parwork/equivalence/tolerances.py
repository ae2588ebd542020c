"""The policies with a tolerance between floats; all else is compared exactly."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..model.dataclass import dataclass
from .elements import count_ulps
from .floats import count_ulp, modulus, write_number
from .pairs import Tolerance
from .show import ShownAsText
from .walk import gather

if TYPE_CHECKING:
    from ..model.comparison import Comparison, OwnComparison

#: The unit roundoff of the 64-bit floats of Python.
_ROUNDOFF = 2.0**-53


class _Tolerant(Tolerance, ShownAsText):
    """A policy that walks both values, and decides about floats that are not the same."""

    __slots__ = ()

    def __call__(
        self, actual: object, expected: object, /, *, own: OwnComparison | None = None
    ) -> Comparison:
        return gather(actual, expected, str(self), tolerance=self, own=own)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Close(_Tolerant):
    """As `Exact`, with a tolerance between floats: |actual - expected| <= atol + rtol |expected|.

    Complex numbers are measured by their modulus.
    """

    rtol: float
    atol: float = 0.0

    def __str__(self) -> str:
        return f"close(rtol={self.rtol!r}, atol={self.atol!r})"

    def admits(self, actual: complex, expected: complex, /) -> bool:
        return _is_near(actual, expected, self.allowed)

    def admits_elements(self, actual: Any, expected: Any, /) -> Any:
        import numpy as np

        wide = np.result_type(actual.dtype, np.float64)
        return _are_near(
            actual.astype(wide), expected.astype(wide), lambda e: self.atol + self.rtol * abs(e)
        )

    def allow(self, actual: complex, expected: complex, /) -> str:
        return _write_excess(actual, expected, self.allowed(expected))

    def allowed(self, expected: complex) -> float:
        return self.atol + self.rtol * modulus(expected)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Ulp(_Tolerant):
    """As `Exact`, but for floats at most `steps` apart on the number line of their type.

    For complex numbers, both parts count. Both zeros are the same place; a number that is not
    finite is near no other.
    """

    steps: int

    def __str__(self) -> str:
        return f"ulp({self.steps})"

    def admits(self, actual: complex, expected: complex, /) -> bool:
        if isinstance(actual, complex):
            parts = ((actual.real, expected.real), (actual.imag, expected.imag))
            return all(_same_infinity(a, e) or self.admits(a, e) for a, e in parts)
        finite = cmath.isfinite(actual) and cmath.isfinite(expected)
        return finite and count_ulp(float(actual), expected.real) <= self.steps

    def admits_elements(self, actual: Any, expected: Any, /) -> Any:
        import numpy as np

        finite = np.isfinite(actual) & np.isfinite(expected)
        admitted = np.zeros(actual.shape, dtype=bool)
        steps = count_ulps(actual[finite], expected[finite])
        if steps is not None:
            admitted[finite] = steps <= self.steps
        if actual.dtype.kind == "c":
            pairs = zip(actual[~finite].tolist(), expected[~finite].tolist(), strict=True)
            admitted[~finite] = [self.admits(a, e) for a, e in pairs]
        return admitted

    def allow(self, actual: complex, expected: complex, /) -> str:  # noqa: ARG002
        return f"allowed {self.steps} ulp"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReorderedSum(_Tolerant):
    """As `Exact`, but for floats at most as far apart as two summation orders can be.

    That is 2 (n - 1) u Σ|x| for n terms x and the unit roundoff u of the result's type: the
    running error bound of recursive summation, twice (Higham, Accuracy and Stability of Numerical
    Algorithms, 2nd ed., section 4.2). Ulps mislead here: where terms cancel, thousands are
    harmless.
    """

    terms: int
    magnitude: float

    def __str__(self) -> str:
        return f"reordered_sum({self.terms} terms, sum |x| = {self.magnitude:g})"

    def admits(self, actual: complex, expected: complex, /) -> bool:
        return _is_near(actual, expected, lambda _: self.allowed(_ROUNDOFF))

    def admits_elements(self, actual: Any, expected: Any, /) -> Any:
        import numpy as np

        allowed = self.allowed(_roundoff_of(actual))
        wide = np.result_type(actual.dtype, np.float64)
        return _are_near(actual.astype(wide), expected.astype(wide), lambda _: allowed)

    def allow(self, actual: complex, expected: complex, /) -> str:
        return _write_excess(actual, expected, self.allowed(_roundoff_of(actual)))

    def allowed(self, roundoff: float) -> float:
        return 2 * (self.terms - 1) * roundoff * self.magnitude


def _roundoff_of(numbers: Any) -> float:
    """Return the unit roundoff of the type of a number or array."""
    if not hasattr(numbers, "dtype"):
        return _ROUNDOFF
    import numpy as np

    return float(np.finfo(numbers.dtype).eps) / 2


def _is_near(actual: complex, expected: complex, allowed: Callable[[complex], float]) -> bool:
    """Return whether two numbers are within the allowed distance; infinite parts must be the same.

    If the distance, or the modulus of a complex number, exceeds the largest float, they are not
    near: an infinite allowance would admit everything.
    """
    if cmath.isfinite(actual) and cmath.isfinite(expected):
        distance, size = modulus(actual - expected), modulus(expected)
        return math.isfinite(distance) and math.isfinite(size) and distance <= allowed(expected)
    if not isinstance(actual, complex):
        return False
    parts = ((actual.real, expected.real), (actual.imag, expected.imag))
    return all(_same_infinity(a, e) or _is_near(a, e, allowed) for a, e in parts)


def _same_infinity(actual: float, expected: float) -> bool:
    return actual == expected or (actual != actual and expected != expected)


def _are_near(actual: Any, expected: Any, allowed: Callable[[Any], Any]) -> Any:
    """Answer `_is_near` for each element of two arrays of one dtype, not narrower than double."""
    import numpy as np

    finite = np.isfinite(actual) & np.isfinite(expected)
    with np.errstate(all="ignore"):
        distance = np.abs(actual - expected)
        measured = np.isfinite(distance) & np.isfinite(np.abs(expected))
        near = finite & measured & (distance <= allowed(expected))
    if actual.dtype.kind == "c":
        pairs = zip(actual[~finite].tolist(), expected[~finite].tolist(), strict=True)
        near[~finite] = [_is_near(a, e, allowed) for a, e in pairs]
    return near


def _write_excess(actual: complex, expected: complex, allowed: float) -> str:
    """Describe the distance of two numbers, and the allowed one."""
    if not (cmath.isfinite(actual) and cmath.isfinite(expected)):
        return ""
    return f"off by {write_number(modulus(actual - expected))}, allowed {write_number(allowed)}"
