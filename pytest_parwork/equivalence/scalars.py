"""The comparers of single values."""

from __future__ import annotations

import datetime
import decimal
import fractions
import pathlib
import re
import uuid
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from .floats import (
    Distance,
    classify,
    describe_complex,
    describe_floats,
    describe_payloads,
    is_same_complex,
    is_same_float,
    measure,
    measure_complex,
)
from .pairs import (
    ATTRIBUTE,
    Comparer,
    Finding,
    Pair,
    Relation,
    Remark,
    Tolerance,
    Unequal,
    look_past,
    look_up,
)
from .show import show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    Time: TypeAlias = datetime.datetime | datetime.time


def find(cls: type) -> Comparer | None:
    """Return the comparer of a single value, None for other classes."""
    return look_up(_TABLE if cls in _TABLE else _INHERITED, cls)


def compare_keys(
    key: Callable[[Any], object], actual: object, expected: object, _: Relation
) -> Iterator[Finding]:
    """Compare the results of `key` for both."""
    if key(actual) != key(expected):
        yield Unequal("value", actual, expected)


def compare_floats(actual: float, expected: float, relation: Relation) -> Iterator[Finding]:
    if is_same_float(actual, expected):
        if actual != actual and (text := describe_payloads(actual, expected)):
            yield Remark("nan-payload", text)
        return
    tolerance = relation.tolerance
    if tolerance and tolerance.admits(actual, expected):
        return
    describe = partial(_describe_excess, tolerance, describe_floats)
    kind = classify(float(actual), float(expected))
    yield Unequal(kind, actual, expected, describe, distance=measure)


def compare_complex(actual: complex, expected: complex, relation: Relation) -> Iterator[Finding]:
    tolerance = relation.tolerance
    if is_same_complex(actual, expected) or (tolerance and tolerance.admits(actual, expected)):
        return
    describe = partial(_describe_excess, tolerance, describe_complex)
    kind = classify(complex(actual), complex(expected))
    yield Unequal(kind, actual, expected, describe, distance=measure_complex)


def _describe_excess(
    tolerance: Tolerance | None,
    describe: Callable[[Any, Any], str],
    actual: complex,
    expected: complex,
) -> str:
    """Describe the distance of two numbers, with a tolerance also the allowed one."""
    texts = [describe(actual, expected), tolerance.allow(actual, expected) if tolerance else ""]
    return "; ".join(text for text in texts if text)


def compare_integers(actual: int, expected: int, _: Relation) -> Iterator[Finding]:
    if actual != expected:
        yield Unequal(
            "value",
            actual,
            expected,
            lambda a, e: f"{'+' if a > e else ''}{show(a - e)}",
            distance=_measure_integers,
        )


def _measure_integers(actual: int, expected: int) -> Distance:
    """Return the distance of two integers; OverflowError if it is too large for a float."""
    absolute = abs(actual - expected)
    return Distance(
        absolute=float(absolute), relative=absolute / abs(expected) if expected else None
    )


def compare_text(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    if actual != expected:
        yield Unequal("value", actual, expected, _describe_texts)


def _describe_texts(actual: Any, expected: Any) -> str:
    """Describe where two texts begin to differ, and show both from there."""
    pairs = zip(actual, expected, strict=False)
    shorter = min(len(actual), len(expected))
    start = next((i for i, (a, e) in enumerate(pairs) if a != e), shorter)
    if start == 0:
        return ""
    rest = [show(text[start : start + 30]) for text in (actual, expected)]
    return f"from [{start}]: {rest[0]}, expected {rest[1]}"


def compare_times(actual: Time, expected: Time, _: Relation) -> Iterator[Finding]:
    """Compare the clocks and the offsets, then the zones: two may have one offset at a moment."""
    if read_clock(actual) != read_clock(expected):
        yield Unequal("value", actual, expected)
    elif actual.tzinfo is not expected.tzinfo:
        yield Pair(actual.tzinfo, expected.tzinfo, ATTRIBUTE, "tzinfo")


def read_clock(value: Time) -> tuple[object, ...]:
    """Return the time on the clock, its offset from UTC, if it has one, and its fold."""
    has_zone = value.tzinfo is not None
    return (
        value.replace(tzinfo=None, fold=0).isoformat(),
        has_zone,
        value.utcoffset() if has_zone else None,
        value.fold,
    )


def read_time(value: Time) -> tuple[object, ...]:
    return (*read_clock(value), value.tzinfo)


def _read_offset(value: datetime.timezone) -> object:
    return value.utcoffset(None), value.tzname(None)


def compare_uuids(actual: uuid.UUID, expected: uuid.UUID, _: Relation) -> Iterator[Finding]:
    if actual.int != expected.int:
        yield Unequal("value", actual, expected)
    elif actual.is_safe is not expected.is_safe:
        yield Unequal("value", actual.is_safe.name, expected.is_safe.name, suffix=".is_safe")


def read_uuid(value: uuid.UUID) -> tuple[object, ...]:
    return value.int, value.is_safe.name


def _read_pattern(value: re.Pattern[Any]) -> object:
    return type(value.pattern), value.pattern, value.flags


def _read_itself(value: object) -> object:
    return value


#: The complete content of a value of these classes, as plain data that `==` compares.
KEYS: dict[type, Callable[[Any], object]] = {
    bool: _read_itself,
    type(None): _read_itself,
    type(...): str,
    type(NotImplemented): str,
    decimal.Decimal: decimal.Decimal.as_tuple,
    fractions.Fraction: attrgetter("numerator", "denominator"),
    datetime.date: datetime.date.toordinal,
    datetime.timezone: _read_offset,
    datetime.timedelta: attrgetter("days", "seconds", "microseconds"),
    range: attrgetter("start", "stop", "step"),
    pathlib.PurePath: str,
    uuid.UUID: read_uuid,
    re.Pattern: _read_pattern,
}

#: Likewise, with the zone, which has parts of its own.
TIMES: dict[type, Callable[[Any], object]] = {
    datetime.datetime: read_time,
    datetime.time: read_time,
}

_TABLE: dict[type, Comparer] = {
    float: compare_floats,
    complex: compare_complex,
    int: compare_integers,
    str: compare_text,
    bytes: compare_text,
    bytearray: compare_text,
    **dict.fromkeys(TIMES, compare_times),
    **{cls: partial(compare_keys, key) for cls, key in KEYS.items()},
    uuid.UUID: compare_uuids,
}

#: How to read a number or text without methods that a subclass may override.
CONTENTS: dict[type, Callable[[Any], Any]] = {
    int: int.__pos__,
    float: float.__pos__,
    complex: complex.__pos__,
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    bytearray: bytearray.copy,
}

#: The comparers of subclasses.
_INHERITED = look_past(_TABLE, CONTENTS)
