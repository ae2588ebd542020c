"""How two values are compared, as values."""

from __future__ import annotations

import cmath
import functools
import math
from dataclasses import dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..model import Comparison, Mismatch, Policy
from .arrays import is_bool
from .show import clip, mask_addresses, name_type, show
from .walk import gather

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Close", "Exact", "Judge", "as_policy", "close", "compare", "exact"]

NAME_LIMIT = 100
TEXT_LIMIT = 1000


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Exact:
    """The typed, structural relation, bitwise on numbers."""

    def __str__(self) -> str:
        return "exact()"

    __repr__ = __str__

    def __call__(self, actual: object, expected: object, /) -> Comparison:
        return gather(actual, expected, None)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Close:
    """As `Exact`, with a tolerance between floats: |actual - expected| <= atol + rtol |expected|.

    Complex numbers are measured by their modulus.
    """

    rtol: float
    atol: float = 0.0

    def __str__(self) -> str:
        return f"close(rtol={self.rtol!r}, atol={self.atol!r})"

    __repr__ = __str__

    def __call__(self, actual: object, expected: object, /) -> Comparison:
        return replace(gather(actual, expected, self), policy=str(self))

    def admits(self, actual: complex, expected: complex, /) -> bool:
        if cmath.isfinite(actual) and cmath.isfinite(expected):
            return abs(actual - expected) <= self.atol + self.rtol * abs(expected)
        if isinstance(actual, complex):
            return self.admits_part(actual.real, expected.real) and self.admits_part(
                actual.imag, expected.imag
            )
        return False

    def admits_part(self, actual: float, expected: float) -> bool:
        """Answer for the real or imaginary part of numbers of which a part is not finite."""
        both_nan = actual != actual and expected != expected
        return actual == expected or both_nan or self.admits(actual, expected)

    def admits_elements(self, actual: Any, expected: Any, /) -> Any:
        import numpy as np

        wide = np.result_type(actual.dtype, np.float64)
        left, right = actual.astype(wide), expected.astype(wide)
        finite = np.isfinite(left) & np.isfinite(right)
        with np.errstate(all="ignore"):
            near = np.abs(left - right) <= self.atol + self.rtol * np.abs(right)
        admitted = finite & near
        if wide.kind == "c":
            pairs = zip(left[~finite].tolist(), right[~finite].tolist(), strict=True)
            admitted[~finite] = [self.admits(a, e) for a, e in pairs]
        return admitted


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Judge:
    """A function that says whether two values are equal.

    True or None is equal; False, or an AssertionError with its text, is different.
    """

    function: Callable[[Any, Any], object]

    def __str__(self) -> str:
        return clip(name_callable(self.function), limit=NAME_LIMIT)

    __repr__ = __str__

    def __call__(self, actual: object, expected: object, /) -> Comparison:
        text = ""
        try:
            answer = self.function(actual, expected)
        except AssertionError as error:
            answer = False
            text = mask_addresses(str(error).strip())[:TEXT_LIMIT]
        except Exception as error:
            raise UsageError(f"{self} raised {show(error)}: {ANSWERS}") from error
        if answer is not None and not is_bool(answer):
            kind = name_type(type(answer))
            raise UsageError(f"{self} returned {show(answer)} ({kind}): {ANSWERS}")
        if answer is None or answer:
            return Comparison(policy=str(self))
        mismatch = Mismatch(
            path="", kind="policy", actual=show(actual), expected=show(expected), difference=text
        )
        return Comparison(mismatches=(mismatch,), count=1, policy=str(self))


ANSWERS = "a comparison must return True, False or None, or raise AssertionError"


def exact() -> Exact:
    """Return the default policy: equal in type, structure and every bit of every number.

    All NaNs are one; memory order, strides and the order of a dict's keys don't count.
    """
    return Exact()


def close(*, rtol: float, atol: float = 0.0) -> Close:
    """Return the policy that admits |actual - expected| <= atol + rtol |expected| between floats.

    As `numpy.testing.assert_allclose`, at any depth; all else is compared as by `exact`.
    """
    for name, value in (("rtol", rtol), ("atol", atol)):
        is_real = isinstance(value, Real) and not is_bool(value)
        if not is_real or not math.isfinite(value) or value < 0:
            raise UsageError(
                f"close({name}={show(value)}): give a finite number, at least 0, as in rtol=1e-7"
            )
    return Close(rtol=float(rtol), atol=float(atol))


def as_policy(value: Policy | Callable[[Any, Any], object]) -> Policy:
    """Return a policy as it is, a function `f(actual, expected)` as a policy."""
    if isinstance(value, Exact | Close | Judge):
        return value
    calls: tuple[tuple[object, str], ...] = ((exact, "exact()"), (close, "close(rtol=1e-7)"))
    for factory, call in calls:
        if value is factory:
            raise UsageError(f"{show(value)} makes a policy: call it, as in {call}")
    if callable(value):
        return Judge(function=value)
    raise UsageError(
        f"{show(value)} is no policy: give exact(), close(rtol=…), or a function "
        "f(actual, expected)"
    )


def compare(
    actual: object,
    expected: object,
    policy: Policy | Callable[[Any, Any], object] = Exact(),
) -> Comparison:
    """Compare a value with the expected one; the result is true when they are equal.

    `policy` is a policy, or a function `f(actual, expected)`. UsageError if it is neither, or if
    the function gives no answer.
    """
    return as_policy(policy)(actual, expected)


def name_callable(function: object) -> str:
    """Return the qualified name of a callable, that of a partial with its arguments."""
    if isinstance(function, functools.partial):
        arguments = [name_callable(function.func), *map(show, function.args)]
        arguments += [f"{name}={show(value)}" for name, value in function.keywords.items()]
        return f"partial({', '.join(arguments)})"
    name = getattr(function, "__qualname__", None)
    if not isinstance(name, str):
        return name_type(type(function))
    return f"{getattr(function, '__module__', None) or 'builtins'}.{name}".removeprefix("builtins.")
