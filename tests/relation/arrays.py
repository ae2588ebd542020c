"""Rows of NumPy arrays, scalars and dtypes."""

from __future__ import annotations

import struct
import tempfile
from typing import Any

import numpy as np

from .classes import Bare, make_grid, make_measure, make_veiled
from .row import Row

__all__ = ["ROWS"]

NAN = float("nan")
OTHER_NAN = struct.unpack("<d", struct.pack("<Q", 0xFFF8_0000_0000_0001))[0]
F = np.array([1.0, 2.0, 3.0])
GRID = np.arange(12.0).reshape(3, 4)
INTS = np.arange(3)
STRUCTURED = np.dtype([("x", "f8"), ("n", "i4")])
RECORDS = np.array([(1.0, 2), (3.0, 4)], dtype=STRUCTURED)
HIDDEN = [False, True]
FILL = (1, 3)


def mask(values: list[Any], hidden: list[bool]) -> Any:
    return np.ma.masked_array(values, hidden)


def filled(fill: object, dtype: Any = "f8") -> Any:
    """Return a masked array with a fill value, None for the default one."""
    zeros: Any = np.zeros(2, dtype)
    return np.ma.masked_array(zeros, HIDDEN, fill_value=fill)  # type: ignore[call-overload, unused-ignore]


def edit(values: Any, index: Any, value: object) -> Any:
    copied = values.copy()
    copied[index] = value
    return copied


def freeze(values: Any) -> Any:
    copied = values.copy()
    copied.flags.writeable = False
    return copied


def hold(*values: object) -> Any:
    """Return an array of objects."""
    held = np.empty(len(values), object)
    held[:] = values
    return held


def map_file(values: Any) -> Any:
    """Return a memory map of a file that nobody else will see."""
    with tempfile.TemporaryFile() as file:
        mapped: Any = np.memmap(file, values.dtype, "w+", shape=values.shape)
    mapped[:] = values
    return mapped


def text(*values: str) -> Any:
    """Return an array of texts of any length, where NumPy has them."""
    return np.array(
        values, np.dtypes.StringDType() if hasattr(np.dtypes, "StringDType") else object
    )


NUMBERS = (
    Row("array", F, F.copy()),
    Row("array in another memory order", GRID, np.asfortranarray(GRID)),
    Row("array with strides", F, np.repeat(F, 2)[::2]),
    Row("array backwards in memory", F, F[::-1].copy()[::-1]),
    Row("array that is broadcast", np.ones(3), np.broadcast_to(1.0, 3)),
    Row("read-only array", F, freeze(F)),
    Row("memory map and array", map_file(F), F),
    Row("memory map and another array", map_file(F), F + 1, "value"),
    Row("memory map and memory map", map_file(GRID), map_file(GRID)),
    Row("array with NaN", np.array([1, NAN]), np.array([1, NAN])),
    Row(
        "array with another NaN",
        np.array([1, NAN]),
        np.array([1, OTHER_NAN]),
        note="nan-payload",
    ),
    Row("complex array with NaN", np.array([complex(NAN, 1)]), np.array([complex(NAN, 1)])),
    Row(
        "complex array with NaN and another part",
        np.array([complex(NAN, 1)]),
        np.array([complex(NAN, 2)]),
        "value",
    ),
    Row("array of another dtype", F, F.astype("f4"), "dtype"),
    Row("array of another byte order", F, F.astype(">f8"), "dtype"),
    Row("arrays of one foreign byte order", F.astype(">f8"), F.astype(">f8")),
    Row("other arrays of a foreign byte order", F.astype(">f8"), (F + 1).astype(">f8"), "value"),
    Row("array of int and of bool", np.array([0, 1]), np.array([False, True]), "dtype"),
    Row("array of another shape", F, F.reshape(1, 3), "shape"),
    Row("array of another length", F, F[:2], "shape"),
    Row("array of another dtype and shape", F, F[:2].astype("f4"), "dtype"),
    Row("empty array", np.zeros((0, 3)), np.zeros((0, 3))),
    Row("empty array of another shape", np.zeros((0, 3)), np.zeros((0, 4)), "shape"),
    Row("empty array of another dtype", np.zeros(0), np.zeros(0, "i8"), "dtype"),
    Row("array without axes", np.array(1.5), np.array(1.5)),
    Row("other array without axes", np.array(1.5), np.array(2.5), "value"),
    Row("array with and without axes", np.array(1.5), np.array([1.5]), "shape"),
    Row("array and scalar", np.array(1.0), np.float64(1), "type"),
    Row("array and list", F, F.tolist(), "type"),
    Row("other element", F, edit(F, 1, 2.5), "value"),
    Row("element next to it", F, edit(F, 1, np.nextafter(2.0, 3)), "≤4 ulp"),
    Row("element that is NaN", F, edit(F, 0, NAN), "value"),
    Row("zeros", np.zeros(3), -np.zeros(3), "sign-of-zero"),
    Row("zero among others", np.array([1, 0.0]), np.array([1, -0.0]), "sign-of-zero"),
    Row("array of complex zeros", np.array([0j]), np.array([complex(0, -0.0)]), "sign-of-zero"),
    Row("array in another order", F, F[::-1], "order-only"),
    Row("array of ints", INTS, INTS.copy()),
    Row("other array of ints", INTS, edit(INTS, 2, 9), "value"),
    Row("array of bools", np.array([True]), np.array([False]), "value"),
    Row("complex array", np.array([1j]), np.array([2j]), "value"),
    Row("half precision", np.array([0.1], "f2"), np.array([0.1], "f2")),
    Row("other half precision", np.array([0.1], "f2"), np.array([0.2], "f2"), "value"),
    Row("large numbers of both signs", np.array([1e308]), np.array([-1e308]), "value"),
)

OTHERS = (
    Row("array of texts", np.array(["a", "bc"]), np.array(["a", "bc"])),
    Row("array of twelve bytes", np.array(["abc", ""]), np.array(["abc", ""])),
    Row("array of empty texts", np.array(["", ""]), np.array(["", ""])),
    Row("other array of texts", np.array(["a", "b"]), np.array(["a", "c"]), "value"),
    Row("array of wider texts", np.array(["a"], "U1"), np.array(["a"], "U2"), "dtype"),
    Row("array of texts and bytes", np.array(["a"]), np.array([b"a"]), "dtype"),
    Row("array of bytes", np.array([b"a"]), np.array([b"b"]), "value"),
    Row("texts of any length", text("a" * 40, "b"), text("a" * 40, "b")),
    Row("other texts of any length", text("a" * 40, "b"), text("a" * 40, "c"), "value"),
    Row("dates", np.array(["2024"], "M8[D]"), np.array(["2024"], "M8[D]")),
    Row("other dates", np.array(["2024"], "M8[D]"), np.array(["2025"], "M8[D]"), "value"),
    Row("dates of another unit", np.array(["2024"], "M8[D]"), np.array(["2024"], "M8[s]"), "dtype"),
    Row("NaT", np.array(["NaT"], "M8[s]"), np.array(["NaT"], "M8[s]")),
    Row("NaT of another unit", np.array(["NaT"], "M8[s]"), np.array(["NaT"], "M8[D]"), "dtype"),
    Row("NaT and a date", np.array(["NaT"], "M8[D]"), np.array(["2024"], "M8[D]"), "value"),
    Row(
        "NaT of dates and durations", np.datetime64("NaT", "s"), np.timedelta64("NaT", "s"), "type"
    ),
    Row("durations", np.array([1], "m8[s]"), np.array([2], "m8[s]"), "value"),
    Row("structured array", RECORDS, RECORDS.copy()),
    Row("other structured array", RECORDS, edit(RECORDS, 1, (3.0, 5)), "value"),
    Row(
        "structured array with NaN",
        edit(RECORDS, 0, (NAN, 1)),
        edit(RECORDS, 0, (OTHER_NAN, 1)),
        note="nan-payload",
    ),
    Row(
        "structured array of other names",
        RECORDS,
        RECORDS.astype([("x", "f8"), ("m", "i4")]),
        "dtype",
    ),
    Row("records", np.rec.array(RECORDS), np.rec.array(RECORDS)),
    Row("records and structured array", np.rec.array(RECORDS), RECORDS, "type"),
    Row("raw bytes", np.array([b"ab"], "V2"), np.array([b"ab"], "V2")),
    Row("other raw bytes", np.array([b"ab"], "V2"), np.array([b"ac"], "V2"), "value"),
    Row("array of objects", hold(1, "a", None, NAN), hold(1, "a", None, NAN)),
    Row("other array of objects", hold(1, "a"), hold(1.0, "a"), "type"),
    Row("array of arrays", hold(F, [F]), hold(F.copy(), [F.copy()])),
    Row("array of bare objects", hold(Bare(x=1)), hold(Bare(x=2)), "value"),
    Row(
        "array of objects in Fortran order",
        hold(1, 2, 3, 4).reshape(2, 2),
        np.asfortranarray(hold(1, 2, 3, 4).reshape(2, 2)),
    ),
    Row("masked array", mask([1.0, 2.0], HIDDEN), mask([1.0, 9.0], HIDDEN)),
    Row("other mask", mask([1, 2], HIDDEN), mask([1, 2], [False, False]), "value"),
    Row("other masked data", mask([1, 2], HIDDEN), mask([3, 2], HIDDEN), "value"),
    Row("no mask and a false one", np.ma.array([1, 2]), mask([1, 2], [False, False])),
    Row("fill value", filled(7.0), filled(7.0)),
    Row("other fill value", filled(7.0), filled(8.0), "value"),
    Row("fill value and none", filled(7.0), mask([0.0, 0.0], HIDDEN), "value"),
    Row("fill value that is the default", filled(1e20), mask([0.0, 0.0], HIDDEN)),
    Row("fill value NaN", filled(NAN), filled(NAN)),
    Row("fill value of objects", filled(7, "O"), filled("7", "O"), "type"),
    Row("other fill value in a dict", {"a": filled(7.0)}, {"a": filled(8.0)}, "value"),
    Row(
        "other fill value of a field", filled(FILL, STRUCTURED), filled((1, 4), STRUCTURED), "value"
    ),
    Row("default fill value of small integers", filled(None, "u1"), filled(None, "u1")),
    Row("default fill value of text", filled(None, "U1"), filled(None, "U1")),
    Row("default fill value of fields", filled(None, STRUCTURED), filled(None, STRUCTURED)),
    Row("masked array of another dtype", mask([1.0, 2], HIDDEN), mask([1, 2], HIDDEN), "dtype"),
    Row("masked array and array", np.ma.array([1, 2]), np.array([1, 2]), "type"),
    Row("masked element", np.ma.masked, np.ma.masked),
    Row(
        "masked array with an attribute",
        make_veiled(mask([1, 2], HIDDEN), "a"),
        make_veiled(mask([1, 2], HIDDEN), "b"),
        "value",
    ),
    Row("matrix and array", F.reshape(1, 3).view(np.matrix), F.reshape(1, 3), "type"),
    Row("array subclass", make_grid(F, "a"), make_grid(F.copy(), "a")),
    Row("array subclass and array", make_grid(F, "a"), F, "type"),
    Row("attribute of an array", make_grid(F, "a"), make_grid(F, "b"), "value"),
    Row("elements of an array subclass", make_grid(F, "a"), make_grid(F + 1, "a"), "value"),
)

SCALARS = (
    Row("np.float64", np.float64(NAN), np.float64(NAN)),
    Row("np.float64 and float", np.float64(1), 1.0, "type"),
    Row("np.int64 and int", np.int64(1), 1, "type"),
    Row("np.bool and bool", np.True_, True, "type"),
    Row("np.str_ and str", np.str_("a"), "a", "type"),
    Row("np.str_ of another length", np.str_("a"), np.str_("ab"), "value"),
    Row("np.bytes_ of another length", np.bytes_(b"a"), np.bytes_(b"ab"), "value"),
    Row("np.float32 and np.float64", np.float32(1), np.float64(1), "type"),
    Row("np.float32", np.float32(0.1), np.float32(0.2), "value"),
    Row(
        "np.float32 next to it", np.nextafter(np.float32(1), np.float32(2)), np.float32(1), "≤4 ulp"
    ),
    Row("np.float64 zeros", np.float64(-0.0), np.float64(0), "sign-of-zero"),
    Row("np.complex128", np.complex128(1j), np.complex128(2j), "value"),
    Row("extended precision", np.longdouble(1) / 3, np.longdouble(1) / 3),
    Row("other extended precision", np.longdouble(1) / 3, np.longdouble(1) / 7, "value"),
    Row("np.datetime64", np.datetime64("2024", "D"), np.datetime64("2024", "D")),
    Row(
        "np.datetime64 of another unit",
        np.datetime64("2024", "D"),
        np.datetime64("2024", "s"),
        "dtype",
    ),
    Row("NaT as a scalar", np.datetime64("NaT", "s"), np.datetime64("NaT", "s")),
    Row("structured scalar", RECORDS[0], RECORDS[0].copy()),
    Row("other structured scalar", RECORDS[0], RECORDS[1], "value"),
    Row("attribute of a scalar", make_measure(1, "m"), make_measure(1, "s"), "value"),
    Row("dtype", np.dtype("f8"), np.dtype("f8")),
    Row("other dtype", np.dtype("f8"), np.dtype("f4"), "type"),
    Row("dtype of another byte order", np.dtype("<f8"), np.dtype(">f8"), "dtype"),
    Row("structured dtype", STRUCTURED, np.dtype([("x", "f8")]), "dtype"),
)

ROWS = (*NUMBERS, *OTHERS, *SCALARS)
