"""The distance between two floats, as numbers and in words."""

from __future__ import annotations

import math
import struct
from typing import NamedTuple

_SIGN = 1 << 63
#: Differences of at most so many ulp have a class of their own: rounding, not another result.
FEW_ULP = 4


class Distance(NamedTuple):
    """The distance between numbers, as fields of a `Mismatch`."""

    absolute: float | None = None
    relative: float | None = None
    ulp: int | None = None
    array: str = ""
    differing: int = 1
    size: int = 1
    indices: tuple[str, ...] = ()
    at: str = ""


def is_same_float(actual: float, expected: float) -> bool:
    """Compare by bits, with all NaNs equal."""
    if actual == expected:
        return actual != 0 or math.copysign(1, actual) == math.copysign(1, expected)
    return actual != actual and expected != expected


def is_same_complex(actual: complex, expected: complex) -> bool:
    """Compare both parts by bits, with all NaNs equal."""
    return is_same_float(actual.real, expected.real) and is_same_float(actual.imag, expected.imag)


def count_ulp(actual: float, expected: float) -> int:
    """Return how many steps of the 64-bit number line lie between two finite floats."""
    ranks = []
    for number in (actual, expected):
        (bits,) = struct.unpack("<Q", struct.pack("<d", number))
        ranks.append(-(bits - _SIGN) if bits & _SIGN else bits)
    return int(abs(ranks[0] - ranks[1]))


def classify(actual: complex, expected: complex) -> str:
    """Return the class of the mismatch of two numbers that are not the same."""
    if actual == expected:
        return "sign-of-zero"
    ulp = measure_complex(actual, expected).ulp
    return "≤4 ulp" if ulp is not None and ulp <= FEW_ULP else "value"


def measure(actual: float, expected: float) -> Distance:
    """Return the distance between two floats, an empty one where one is not finite."""
    if not (math.isfinite(actual) and math.isfinite(expected)):
        return Distance()
    absolute = abs(actual - expected)
    return Distance(
        absolute=absolute if math.isfinite(absolute) else None,
        relative=_divide(absolute, abs(expected)),
        ulp=count_ulp(actual, expected),
    )


def measure_complex(actual: complex, expected: complex) -> Distance:
    """Return the distance between two numbers: by modulus, and the larger ulp of both parts."""
    if isinstance(actual, float) and isinstance(expected, float):
        return measure(actual, expected)
    parts = [(actual.real, expected.real), (actual.imag, expected.imag)]
    if not all(math.isfinite(part) for pair in parts for part in pair):
        return Distance()
    absolute = modulus(actual - expected)
    return Distance(
        absolute=absolute if math.isfinite(absolute) else None,
        relative=_divide(absolute, modulus(expected)),
        ulp=max(count_ulp(a, e) for a, e in parts),
    )


def modulus(number: complex) -> float:
    """Return the absolute value, infinity if `abs` raises for a complex number."""
    return math.hypot(number.real, number.imag) if isinstance(number, complex) else abs(number)


def _divide(absolute: float, expected: float) -> float | None:
    """Return the relative error, None if it is not finite."""
    share = absolute / expected if expected else math.inf
    return share if math.isfinite(share) else None


def describe_payloads(actual: float, expected: float) -> str:
    """Describe two NaNs with different bits; empty for any other two equal floats."""
    bits = [struct.pack(">d", number).hex() for number in (actual, expected)]
    return f"NaN 0x{bits[0]}, expected 0x{bits[1]}" if bits[0] != bits[1] else ""


def describe_floats(actual: float, expected: float) -> str:
    """Describe the distance of `actual` from `expected`: `-0.053 %, 3.8e12 ulp`."""
    actual, expected = float(actual), float(expected)
    if not (math.isfinite(actual) and math.isfinite(expected)):
        return ""
    if actual == expected == 0:
        return "the sign of zero"
    ulp = write_ulp(count_ulp(actual, expected))
    if expected == 0:
        return f"{write_number(actual)} from zero, {ulp}"
    share = (actual - expected) / abs(expected)
    return f"{write_relative(share, sign='+')}, {ulp}" if math.isfinite(share) else ulp


def describe_complex(actual: complex, expected: complex) -> str:
    """Describe the distance of each part from the expected one."""
    parts = [("real", actual.real, expected.real), ("imag", actual.imag, expected.imag)]
    texts = [f"{name} {describe_floats(a, e)}" for name, a, e in parts if not is_same_float(a, e)]
    return "; ".join(text.strip() for text in texts)


def write_number(number: float, *, sign: str = "-") -> str:
    """Write two digits, or a moderate integer in full; short exponents: `0.16`, `3.8e12`."""
    if 99.5 <= abs(number) < 1e6:
        return format(number, f"{sign}.0f")
    mantissa, e, exponent = format(number, f"{sign}.2g").partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def write_relative(share: float, *, sign: str = "-") -> str:
    """Write a relative difference in percent, or with an exponent if it is tiny."""
    if abs(share) >= 1e-5:
        return f"{write_number(100 * share, sign=sign)} %"
    return f"{write_number(share, sign=sign)} relative"


def write_ulp(count: int) -> str:
    """Write a distance on the number line of the float type: `2 ulp`, `3.8e12 ulp`."""
    return f"{count} ulp" if count < 1_000_000 else f"{write_number(count)} ulp"
