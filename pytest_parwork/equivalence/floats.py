"""How far apart two floats are, in words."""

from __future__ import annotations

import math
import struct

__all__ = [
    "count_ulp",
    "describe_complex",
    "describe_floats",
    "is_same_complex",
    "is_same_float",
    "write_number",
    "write_relative",
    "write_ulp",
]

SIGN = 1 << 63


def is_same_float(actual: float, expected: float) -> bool:
    """Compare by bits, all NaNs one class."""
    if actual == expected:
        return actual != 0 or math.copysign(1, actual) == math.copysign(1, expected)
    return actual != actual and expected != expected


def is_same_complex(actual: complex, expected: complex) -> bool:
    """Compare both parts by bits, all NaNs one class."""
    return is_same_float(actual.real, expected.real) and is_same_float(actual.imag, expected.imag)


def count_ulp(actual: float, expected: float) -> int:
    """Return how many steps of the 64-bit number line lie between two finite floats."""
    ranks = []
    for number in (actual, expected):
        (bits,) = struct.unpack("<Q", struct.pack("<d", number))
        ranks.append(-(bits - SIGN) if bits & SIGN else bits)
    return int(abs(ranks[0] - ranks[1]))


def describe_floats(actual: float, expected: float) -> str:
    """Say how far `actual` is from `expected`: `-0.053 %, 3.8e12 ulp`."""
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
    """Say how far each part is from the expected one."""
    parts = [("real", actual.real, expected.real), ("imag", actual.imag, expected.imag)]
    texts = [f"{name} {describe_floats(a, e)}" for name, a, e in parts if not is_same_float(a, e)]
    return "; ".join(text.strip() for text in texts)


def write_number(number: float, *, sign: str = "-") -> str:
    """Write two digits, without the zeros of an exponent: `3.8e12`."""
    mantissa, e, exponent = format(number, f"{sign}.2g").partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def write_relative(share: float, *, sign: str = "-") -> str:
    """Write a relative difference in percent, or with an exponent where it is tiny."""
    if abs(share) >= 1e-5:
        return f"{write_number(100 * share, sign=sign)} %"
    return f"{write_number(share, sign=sign)} relative"


def write_ulp(count: int) -> str:
    """Write a distance on the number line of the float type: `2 ulp`, `3.8e12 ulp`."""
    return f"{count} ulp" if count < 1_000_000 else f"{write_number(count)} ulp"
