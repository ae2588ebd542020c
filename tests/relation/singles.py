"""Rows of single values: numbers, texts, times, names."""

from __future__ import annotations

import datetime as dt
import fractions
import math
import pathlib
import re
import struct
import sys
import types
import typing
import uuid
import zoneinfo
from decimal import Decimal

from .classes import Agreeing, Bits, Color, Hour, Level, Loose, Number, OtherHour
from .making import hashed, make_number
from .row import Row

__all__ = ["ROWS"]

NAN = float("nan")
OTHER_NAN = struct.unpack("<d", struct.pack("<Q", 0xFFF8_0000_0000_0001))[0]
HUGE = 1.5e308
NEXT = math.nextafter(1.0, 2.0)
LONG_TEXT = "a" * 1000

NUMBERS = (
    Row("ints", 3, 3),
    Row("other ints", 3, 4, "value"),
    Row("large ints", 10**400, 10**400),
    Row("other large ints", 10**400, 10**400 + 1, "value"),
    Row("int and float", 1, 1.0, "type"),
    Row("True and 1", True, 1, "type"),
    Row("False and 0", False, 0, "type"),
    Row("True and True", True, True),
    Row("other bools", True, False, "value"),
    Row("None and None", None, None),
    Row("None and False", None, False, "type"),
    Row("Ellipsis", ..., ...),
    Row("NotImplemented", NotImplemented, NotImplemented),
    Row("floats", 0.1, 0.1),
    Row("other floats", 0.1, 0.2, "value"),
    Row("floats next to each other", NEXT, 1.0, "≤4 ulp"),
    Row("floats of four steps", 1 + 4 * (NEXT - 1), 1.0, "≤4 ulp"),
    Row("floats of five steps", 1 + 5 * (NEXT - 1), 1.0, "value"),
    Row("floats on both sides of zero", 5e-324, -5e-324, "≤4 ulp"),
    Row("0.0 and 0.0", 0.0, 0.0),
    Row("-0.0 and -0.0", -0.0, -0.0),
    Row("-0.0 and 0.0", -0.0, 0.0, "sign-of-zero"),
    Row("NaN and NaN", NAN, NAN),
    Row("NaN of another payload and sign", NAN, OTHER_NAN, note="nan-payload"),
    Row("a float and NaN", 0.1, NAN, "value"),
    Row("infinities", math.inf, math.inf),
    Row("infinities of both signs", math.inf, -math.inf, "value"),
    Row("infinity and the largest float", math.inf, sys.float_info.max, "value"),
    Row("floats as far apart as can be", -sys.float_info.max, sys.float_info.max, "value"),
    Row("complex", 1 + 2j, 1 + 2j),
    Row("other complex", 1 + 2j, 1 + 3j, "value"),
    Row("complex next to each other", complex(1, NEXT), complex(1, 1), "≤4 ulp"),
    Row("complex and float", 1 + 0j, 1.0, "type"),
    Row("complex with NaN", complex(NAN, 1), complex(NAN, 1)),
    Row("complex with NaN and another part", complex(NAN, 1), complex(NAN, 2), "value"),
    Row("complex zeros", complex(0.0, -0.0), complex(0.0, 0.0), "sign-of-zero"),
    Row("complex beyond the largest modulus", complex(HUGE, HUGE), 0j, "value"),
    Row("Decimal", Decimal("1.10"), Decimal("1.10")),
    Row("Decimal of another exponent", Decimal("1.1"), Decimal("1.10"), "value"),
    Row("Decimal of another digit", Decimal("1.1"), Decimal("1.2"), "value"),
    Row("Decimal zeros", Decimal("-0"), Decimal("0"), "value"),
    Row("Decimal NaN", Decimal("NaN"), Decimal("NaN")),
    Row("Decimal NaN that signals", Decimal("sNaN"), Decimal("NaN"), "value"),
    Row("Decimal and int", Decimal(1), 1, "type"),
    Row("Fraction", fractions.Fraction(1, 3), fractions.Fraction(2, 6)),
    Row("other Fraction", fractions.Fraction(1, 3), fractions.Fraction(1, 2), "value"),
    Row("Fraction and int", fractions.Fraction(2, 1), 2, "type"),
    Row("int subclass", make_number("m"), make_number("m")),
    Row("attributes of an int", make_number("m"), make_number("s"), "value"),
    Row("int subclass and int", Number(3), 3, "type"),
)

TEXTS = (
    Row("text", "é", "é"),
    Row("other text", "a", "b", "value"),
    Row("text in another form of Unicode", "\u00e9", "e\u0301", "value"),
    Row("text with a surrogate", "a\ud800", "a\ud800"),
    Row("text with another surrogate", "a\ud800", "a\ud801", "value"),
    Row("empty text and None", "", None, "type"),
    Row("long text", LONG_TEXT + "x", LONG_TEXT + "y", "value"),
    Row("text and bytes", "a", b"a", "type"),
    Row("bytes", b"ab", b"ab"),
    Row("other bytes", b"ab", b"ac", "value"),
    Row("bytes and bytearray", b"ab", bytearray(b"ab"), "type"),
    Row("bytearray", bytearray(b"ab"), bytearray(b"ab")),
    Row("other bytearray", bytearray(b"ab"), bytearray(b"abc"), "value"),
    Row("memoryview", memoryview(b"ab"), memoryview(b"ab"), is_picklable=False),
    Row("other memoryview", memoryview(b"ab"), memoryview(b"ac"), "value", is_picklable=False),
    Row(
        "memoryview of another format",
        memoryview(b"ab"),
        memoryview(b"ab").cast("b"),
        "value",
        is_picklable=False,
    ),
    Row("memoryview and bytes", memoryview(b"ab"), b"ab", "type", is_picklable=False),
    Row("text that differs from nothing", Agreeing("a"), Agreeing("b"), "value"),
)

UTC = dt.timezone.utc
ONE_HOUR = dt.timezone(dt.timedelta(hours=1))
PARIS, LONDON = zoneinfo.ZoneInfo("Europe/Paris"), zoneinfo.ZoneInfo("Europe/London")
DAY = dt.datetime(2024, 1, 1)
ROME = zoneinfo.ZoneInfo("Europe/Rome")
NAMED_HOUR = dt.timezone(dt.timedelta(hours=1), "CET")


def in_zone(zone: dt.tzinfo) -> dt.datetime:
    return DAY.replace(tzinfo=zone)


def time_in(zone: dt.tzinfo) -> dt.time:
    return dt.time(1, tzinfo=zone)


TIMES = (
    Row("datetime", DAY, dt.datetime(2024, 1, 1)),
    Row("other datetime", DAY, dt.datetime(2024, 1, 1, microsecond=1), "value"),
    Row("datetime with a zone", DAY.replace(tzinfo=UTC), DAY.replace(tzinfo=UTC)),
    Row("datetime with a zone and without", DAY.replace(tzinfo=UTC), DAY, "value"),
    Row(
        "one instant, two offsets",
        dt.datetime(2024, 1, 1, 1, tzinfo=ONE_HOUR),
        dt.datetime(2024, 1, 1, 0, tzinfo=UTC),
        "value",
    ),
    Row("one offset, two types of zones", in_zone(PARIS), in_zone(ONE_HOUR), "type"),
    Row("one offset, two zones of the tz database", in_zone(PARIS), in_zone(ROME), "value"),
    Row("one offset, two names", in_zone(ONE_HOUR), in_zone(NAMED_HOUR), "value"),
    Row("UTC by two modules", in_zone(UTC), in_zone(zoneinfo.ZoneInfo("UTC")), "type"),
    Row("zone of the project", in_zone(Hour(1)), in_zone(Hour(1))),
    Row("one offset, two zones of the project", in_zone(Hour(1)), in_zone(Hour(1, "x")), "value"),
    Row("one offset, two classes", in_zone(Hour(1)), in_zone(OtherHour(1)), "type"),
    Row("zone without an offset", in_zone(Hour(None)), DAY, "value"),
    Row("time with one offset and two names", time_in(ONE_HOUR), time_in(NAMED_HOUR), "value"),
    Row("time with two classes of zones", time_in(Hour(1)), time_in(OtherHour(1)), "type"),
    Row("time with a zone and another time", time_in(PARIS), dt.time(2, tzinfo=PARIS), "value"),
    Row("fold of a datetime", DAY.replace(fold=1), DAY, "value"),
    Row(
        "fold of a datetime that shifts it",
        dt.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=PARIS),
        dt.datetime(2024, 10, 27, 2, 30, tzinfo=PARIS),
        "value",
    ),
    Row("date", dt.date(2024, 1, 1), dt.date(2024, 1, 1)),
    Row("other date", dt.date(2024, 1, 1), dt.date(2024, 1, 2), "value"),
    Row("date and datetime", DAY, dt.date(2024, 1, 1), "type"),
    Row("time", dt.time(1, 2), dt.time(1, 2)),
    Row("other time", dt.time(1, 2), dt.time(1, 3), "value"),
    Row("fold of a time", dt.time(1, fold=1), dt.time(1), "value"),
    Row("time with a zone that varies", dt.time(1, tzinfo=PARIS), dt.time(1, tzinfo=PARIS)),
    Row("time with a zone and without", dt.time(1, tzinfo=PARIS), dt.time(1), "value"),
    Row("time with two zones", dt.time(1, tzinfo=PARIS), dt.time(1, tzinfo=LONDON), "value"),
    Row("timedelta", dt.timedelta(1), dt.timedelta(hours=24)),
    Row("other timedelta", dt.timedelta(1), dt.timedelta(microseconds=1), "value"),
    Row("time zone", UTC, dt.timezone(dt.timedelta(0))),
    Row("other name of a time zone", ONE_HOUR, NAMED_HOUR, "value"),
    Row("other time zone", UTC, ONE_HOUR, "value"),
    Row("zone of the tz database", PARIS, zoneinfo.ZoneInfo("Europe/Paris")),
    Row("other zone of the tz database", PARIS, LONDON, "value"),
)

UNSAFE = uuid.SafeUUID.unsafe
SAFE_UUID = uuid.UUID(int=3, is_safe=uuid.SafeUUID.safe)

NAMES = (
    Row("Enum", Color.RED, Color.RED),
    Row("Enum by an alias", Color.RED, Color.CRIMSON),
    Row("other Enum", Color.RED, Color.BLUE, "value"),
    Row("Enum and its value", Color.RED, 1, "type"),
    Row("IntEnum and int", Level.LOW, 1, "type"),
    Row("Flag", Bits.A | Bits.C, Bits.A | Bits.C),
    Row("other Flag", Bits.A | Bits.B, Bits.A | Bits.C, "value"),
    Row("no Flag", Bits(0), Bits.A, "value"),
    Row("Flag with unknown bits", Loose(9), Loose(9)),
    Row("Flag with other unknown bits", Loose(9), Loose(17), "value"),
    Row("range", range(3), range(3)),
    Row("range of the same items", range(0, 3, 2), range(0, 4, 2), "value"),
    Row("slice", slice(1, NAN), slice(1, NAN), is_picklable=True),
    Row("other slice", slice(1), slice(2), "value"),
    Row("slice of a float", slice(1), slice(1.0), "type"),
    Row("path", pathlib.Path("a/b"), pathlib.Path("a") / "b"),
    Row("path that was hashed", pathlib.Path("a"), hashed(pathlib.Path("a"))),
    Row("other path", pathlib.Path("a"), pathlib.Path("b"), "value"),
    Row("path and pure path", pathlib.Path("a"), pathlib.PurePosixPath("a"), "type"),
    Row(
        "Windows path in another case",
        pathlib.PureWindowsPath("A"),
        pathlib.PureWindowsPath("a"),
        "value",
    ),
    Row("UUID", uuid.UUID(int=3), uuid.UUID(int=3)),
    Row("UUID that is safe", SAFE_UUID, uuid.UUID(int=3, is_safe=uuid.SafeUUID.safe)),
    Row("UUID that may be safe", SAFE_UUID, uuid.UUID(int=3), "value"),
    Row("UUID that is not safe", SAFE_UUID, uuid.UUID(int=3, is_safe=UNSAFE), "value"),
    Row("other UUID", uuid.UUID(int=3), uuid.UUID(int=4), "value"),
    Row("pattern", re.compile("a", re.I), re.compile("a", re.I)),
    Row("pattern with another flag", re.compile("a"), re.compile("a", re.I), "value"),
    Row("other pattern", re.compile("a"), re.compile("b"), "value"),
    Row("pattern of bytes", re.compile("a"), re.compile(b"a"), "value"),
    Row("module", math, math),
    Row("other module", math, struct, "value"),
    Row("generic alias", list[int], list[int]),
    Row("other generic alias", list[int], list[str], "value"),
    Row("type variable", typing.AnyStr, typing.AnyStr),
    Row("simple namespace", types.SimpleNamespace(a=1), types.SimpleNamespace(a=1)),
)

ROWS = (*NUMBERS, *TEXTS, *TIMES, *NAMES)
