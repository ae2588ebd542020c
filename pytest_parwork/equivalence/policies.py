"""The public functions that create policies and compare two values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from ..model.comparison import Comparison, Policy
from ..model.errors import UsageError
from ..model.public import public
from .plain import is_bool
from .show import ShownAsText, show
from .structural import Exact, PerKey

if TYPE_CHECKING:
    from .multiset import Unordered
    from .tolerances import Close, ReorderedSum, Ulp

_EXACT = Exact()

#: The values that a user may give as a policy.
Compare: TypeAlias = "Policy | Callable[[Any, Any], object] | Mapping[Any, Any]"


@public()
def exact(*, dict_order: bool = False) -> Exact:
    """Return the default policy: equal in type, structure and every bit of every number.

    All NaNs are equal. Memory order and strides do not count, and the order of a dict's keys only
    with `dict_order`.
    """
    if not isinstance(dict_order, bool):
        raise UsageError(f"exact(dict_order={show(dict_order)}): give True or False")
    return Exact(dict_order=dict_order)


@public()
def ulp(steps: int) -> Ulp:
    """Return the policy that admits floats at most `steps` apart on the number line of their type.

    It applies at any depth and to any width; for complex numbers, to each part. All else is
    compared as by `exact`. A step is the distance to the next float ("unit in the last place").
    """
    is_integer = isinstance(steps, Integral) and not is_bool(steps)
    if not is_integer or steps < 0:
        raise UsageError(f"ulp({show(steps)}): give a whole number, at least 0, as in ulp(4)")
    from .tolerances import Ulp  # here, because most sessions compare exactly

    return Ulp(steps=int(steps))


@public()
def close(*, rtol: float, atol: float = 0.0) -> Close:
    """Return the policy that admits a distance of at most atol + rtol * abs(expected) of floats.

    As `numpy.testing.assert_allclose`, at any depth; all else is compared as by `exact`.
    """
    for name, value in (("rtol", rtol), ("atol", atol)):
        is_real = isinstance(value, Real) and not is_bool(value)
        if not is_real or not math.isfinite(value) or value < 0:
            raise UsageError(
                f"close({name}={show(value)}): give a finite number, at least 0, as in rtol=1e-7"
            )
    from .tolerances import Close

    return Close(rtol=float(rtol), atol=float(atol))


@public()
def reordered_sum(terms: Iterable[complex]) -> ReorderedSum:
    """Return the policy for the sum of `terms`, added up in any order or grouping.

    `terms` are the numbers, an array of any shape. Admits 2 (n - 1) u Σ|terms| between floats,
    where u is the unit roundoff of the result's type (2**-53 for 64 bits), so terms and sums must
    be of that type; all else is compared as by `exact`. UsageError unless all are finite.
    """
    flat: list[complex] = []
    try:
        flat += terms.ravel().tolist() if hasattr(terms, "ravel") else terms
        magnitude = math.fsum(map(abs, flat))
    except (TypeError, OverflowError) as error:
        raise UsageError(f"reordered_sum({show(terms)}): give finite numbers as terms") from error
    if not flat or not math.isfinite(magnitude):
        raise UsageError(f"reordered_sum({show(terms)}): give finite numbers as terms")
    from .tolerances import ReorderedSum

    return ReorderedSum(terms=len(flat), magnitude=magnitude)


@public()
def unordered() -> Unordered:
    """Return the policy for results in any order, as `imap_unordered` returns them.

    Each item of a list, tuple, deque or array (along its first axis) must equal, as by `exact`, a
    different item of the other side; all else is compared as by `exact`.
    """
    from .multiset import Unordered

    return Unordered()


#: A call of each policy function, for the error when it is not called.
CALLS: Sequence[tuple[object, str]] = (
    (exact, "exact()"),
    (ulp, "ulp(4)"),
    (close, "close(rtol=1e-7)"),
    (unordered, "unordered()"),
    (reordered_sum, "reordered_sum(terms)"),
)


def as_policy(value: Compare) -> Policy:
    """Return a policy unchanged, or a function or a mapping of keys as a policy."""
    if isinstance(value, ShownAsText):
        return cast("Policy", value)
    if isinstance(value, Mapping):
        if not value:
            raise UsageError("compare={} is empty: give {'key': policy}, or omit compare=")
        return PerKey(policies={key: as_policy(policy) for key, policy in value.items()})
    for factory, call in CALLS:
        if value is factory:
            raise UsageError(f"{show(value)} makes a policy: call it, as in {call}")
    if callable(value):
        from .judge import Judge

        return Judge(function=value)
    raise UsageError(
        f"{show(value)} is not a policy: give exact(), ulp(…), close(rtol=…), unordered(), a "
        "function f(actual, expected), or {'key': policy}"
    )


@public()
def compare(
    actual: object,
    expected: object,
    policy: Compare = _EXACT,
) -> Comparison:
    """Compare a value with the expected one; the result is true when they are equal.

    `policy` is a policy, a function `f(actual, expected)`, or `{key: policy}` for a mapping.
    UsageError if it is none of these, if the function returns anything but True, False or None, or
    for a key that the values do not have.
    """
    return as_policy(policy)(actual, expected)
