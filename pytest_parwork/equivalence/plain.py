"""The quick answers about plain values, which most results are.

Nothing here imports a comparer: a session whose results are all plain loads none.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

#: Types for which `==` between two values of one type decides; for floats, unless both are zero.
PLAIN = frozenset({int, float, str, bytes, bool, type(None)})


def is_plainly_equal(actual: object, expected: object) -> bool:
    """Confirm quickly that two values are equal; False means unknown.

    So it is for zeros of floats: `==` does not distinguish 0.0 from -0.0.
    """
    cls = type(actual)
    return (
        cls is type(expected)
        and cls in PLAIN
        and actual == expected
        and (bool(actual) or cls is not float)
    )


def are_plainly_equal(actual: Sequence[object], expected: Sequence[object]) -> bool:
    """Confirm quickly that sequences of plain values are equal; False means unknown."""
    types = set(map(type, actual))
    if not types <= PLAIN or (float in types and 0 in actual):  # or -0.0
        return False
    return list(map(type, actual)) == list(map(type, expected)) and actual == expected


def is_bool(value: object) -> bool:
    """Return whether `value` is a bool of Python or NumPy."""
    numpy = sys.modules.get("numpy")
    return isinstance(value, bool) or (numpy is not None and isinstance(value, numpy.bool_))
