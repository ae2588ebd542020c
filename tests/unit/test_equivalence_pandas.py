"""The relation `exact` between values of pandas, as a table of pairs."""

from __future__ import annotations

import datetime as dt
import struct
from typing import Any

import numpy as np
import pytest
from relation.checks import check_different, check_equal, check_pickled_copy

from pytest_parwork.equivalence import close, compare, ulp

pd = pytest.importorskip("pandas")

NAN = float("nan")
OTHER_NAN = struct.unpack("<d", struct.pack("<Q", 0xFFF8_0000_0000_0001))[0]
DAYS = pd.date_range("2024-01-01", periods=3)
PAIRS = pd.MultiIndex.from_product([[1, 2], ["a", "b"]], names=["p", "q"])


def frame(**columns: Any) -> Any:
    return pd.DataFrame(columns or {"a": [1.0, 2.0, NAN], "b": [1, 2, 3], "c": ["x", None, "y"]})


def with_attrs(value: Any, **attrs: object) -> Any:
    value.attrs.update(attrs)
    return value


def without_duplicates(value: Any) -> Any:
    return value.set_flags(allows_duplicate_labels=False)


class Measured(pd.DataFrame):  # type: ignore[misc, name-defined]  # pandas is not typed here
    _metadata = ["unit"]  # noqa: RUF012  # as pandas's documentation tells to

    @property
    def _constructor(self) -> type:
        return Measured


def measured(unit: str) -> Any:
    value = Measured({"a": [1]})
    value.unit = unit
    return value


EQUAL: dict[str, tuple[Any, Any]] = {
    "frames": (frame(), frame()),
    "no columns": (pd.DataFrame(index=[1, 2]), pd.DataFrame(index=[1, 2])),
    "no rows": (frame(a=[]), frame(a=[])),
    "frames of NaNs": (frame(a=[NAN, 1.0]), frame(a=[NAN, 1.0])),
    "one block and several": (
        frame(a=[1.0, 2.0], b=[3.0, 4.0]),
        frame(a=[1.0, 2.0]).assign(b=[3.0, 4.0]),
    ),
    "row by row and column by column": (
        pd.DataFrame(np.arange(6.0).reshape(3, 2), columns=["a", "b"]),
        frame(a=[0.0, 2.0, 4.0], b=[1.0, 3.0, 5.0]),
    ),
    "two columns of one name": (
        pd.DataFrame([[1, 2.5]], columns=["a", "a"]),
        pd.DataFrame([[1, 2.5]], columns=["a", "a"]),
    ),
    "attrs": (with_attrs(frame(), unit=np.zeros(2)), with_attrs(frame(), unit=np.zeros(2))),
    "flags": (without_duplicates(frame()), without_duplicates(frame())),
    "columns of columns": (pd.DataFrame([[1] * 4], columns=PAIRS),) * 2,
    "a subclass": (measured("m"), measured("m")),
    "series": (pd.Series([1.0, -0.0], name="s"), pd.Series([1.0, -0.0], name="s")),
    "objects": (pd.Series([{1}, [2.0], None]), pd.Series([{1}, [2.0], None])),
    "nullable integers": (pd.array([1, None, 2**60 + 1]), pd.array([1, None, 2**60 + 1])),
    "nullable floats": (pd.array([0.5, None]), pd.array([0.5, None])),
    "nullable bools": (pd.array([True, None]), pd.array([True, None])),
    "what lies below NA": (
        pd.arrays.IntegerArray(np.array([1, 5]), np.array([False, True])),
        pd.arrays.IntegerArray(np.array([1, 9]), np.array([False, True])),
    ),
    "text of Python": (
        pd.array(["a", None], dtype="string[python]"),
        pd.array(["a", None], dtype="string[python]"),
    ),
    "text": (pd.Series(["a", None]), pd.Series(["a", None])),
    "categories": (pd.Categorical(["a", "b", None]), pd.Categorical(["a", "b", None])),
    "series of categories": (pd.Series(pd.Categorical(["a", None])),) * 2,
    "dates": (pd.Series(DAYS), pd.Series(DAYS)),
    "dates with NaT": (pd.Series([DAYS[0], pd.NaT]), pd.Series([DAYS[0], pd.NaT])),
    "time zones": (pd.Series(DAYS).dt.tz_localize("Europe/Berlin"),) * 2,
    "arrays of dates": (pd.array(DAYS), pd.array(DAYS)),
    "timedeltas": (pd.Series([pd.Timedelta(1, "s"), pd.NaT]),) * 2,
    "periods": (
        pd.Series(pd.PeriodIndex(["2024-01", None], freq="M")),
        pd.Series(pd.PeriodIndex(["2024-01", None], freq="M")),
    ),
    "intervals": (pd.Series(pd.interval_range(0, 3)), pd.Series(pd.interval_range(0, 3))),
    "sparse": (pd.arrays.SparseArray([0.0, 1.0, NAN]), pd.arrays.SparseArray([0.0, 1.0, NAN])),
    "an index": (pd.Index([1, 2], name="i"), pd.Index([1, 2], name="i")),
    "ranges": (pd.RangeIndex(1, 9, 2, name="i"), pd.RangeIndex(1, 9, 2, name="i")),
    "a frequency that was inferred": (DAYS, pd.DatetimeIndex(list(DAYS))),
    "frames with a frequency": (
        pd.DataFrame({"a": [1, 2, 3]}, index=DAYS),
        pd.DataFrame({"a": [1, 2, 3]}, index=DAYS),
    ),
    "period index": (pd.period_range("2024", periods=3, freq="M"),) * 2,
    "interval index": (pd.interval_range(0.0, 3.0), pd.interval_range(0.0, 3.0)),
    "several levels": (PAIRS, PAIRS.copy()),
    "levels that no entry uses": (
        PAIRS[:2],
        pd.MultiIndex.from_product([[1], ["a", "b"]], names=["p", "q"]),
    ),
    "levels with NaN": (
        pd.MultiIndex.from_tuples([(1.0, "a"), (NAN, "b")]),
        pd.MultiIndex.from_tuples([(1.0, "a"), (NAN, "b")]),
    ),
    "Timestamp": (pd.Timestamp("2024", tz="Europe/Berlin"),) * 2,
    "fold": (pd.Timestamp(dt.datetime(2024, 1, 1, fold=1)), pd.Timestamp(2024, 1, 1)),
    "Timedelta": (pd.Timedelta(1, "s"), pd.Timedelta(1, "s")),
    "Period": (pd.Period("2024-01"), pd.Period("2024-01")),
    "Interval": (pd.Interval(0, 1), pd.Interval(0, 1)),
    "NaT": (pd.NaT, pd.NaT),
    "NA": (pd.NA, pd.NA),
    "offsets": (pd.offsets.MonthEnd(2), pd.offsets.MonthEnd(2)),
    "data types": (pd.DatetimeTZDtype("ns", "UTC"), pd.DatetimeTZDtype("ns", "UTC")),
    "categorical data types": (pd.CategoricalDtype(["a"]), pd.CategoricalDtype(["a"])),
    "data types of intervals": (pd.IntervalDtype("f8"), pd.IntervalDtype("f8")),
    "NumPy arrays of pandas": (
        pd.arrays.SparseArray([1, 2]).astype("i8"),
        pd.arrays.SparseArray([1, 2]).astype("i8"),
    ),
}

DIFFERENT: dict[str, tuple[Any, Any, str]] = {
    "elements": (frame(a=[1.0]), frame(a=[2.0]), "value"),
    "zeros": (frame(a=[0.0, 1.0]), frame(a=[-0.0, 1.0]), "sign-of-zero"),
    "zeros of a series": (pd.Series([0.0]), pd.Series([-0.0]), "sign-of-zero"),
    "data types": (frame(a=[1]), frame(a=[1.0]), "dtype"),
    "nullable and not": (frame(a=[1]), frame(a=pd.array([1])), "dtype"),
    "widths": (frame(a=np.array([1], "f4")), frame(a=np.array([1], "f8")), "dtype"),
    "text of other storage": (
        pd.Series(["a"], dtype="string[python]"),
        pd.Series(["a"], dtype="object"),
        "dtype",
    ),
    "text": (pd.Series(["a", None]), pd.Series(["a", "b"]), "type"),
    "texts": (frame(a=["a", "b"]), frame(a=["a", "c"]), "value"),
    "objects": (pd.Series([1, "a"]), pd.Series([True, "a"]), "type"),
    "None and NaN": (
        pd.Series([None], dtype=object),
        pd.Series([NAN], dtype=object),
        "type",
    ),
    "rows": (frame(a=[1, 2]), frame(a=[1]), "shape"),
    "columns": (frame(a=[1]), frame(a=[1], b=[2]), "shape"),
    "column names": (frame(a=[1]), frame(b=[1]), "value"),
    "column order": (frame(a=[1], b=[2]), frame(b=[2], a=[1]), "value"),
    "index": (pd.DataFrame({"a": [1]}, [1]), pd.DataFrame({"a": [1]}, [2]), "value"),
    "index classes": (frame(a=[1]), pd.DataFrame({"a": [1]}, [0]), "type"),
    "index names": (pd.Index([1], name="i"), pd.Index([1], name="j"), "value"),
    "index zeros": (pd.Index([0.0]), pd.Index([-0.0]), "sign-of-zero"),
    "index lengths": (pd.Index([1.5]), pd.Index([1.5, 2]), "shape"),
    "index data types": (pd.Index([1]), pd.Index([1.0]), "dtype"),
    "ranges of the same numbers": (pd.RangeIndex(0, 3, 2), pd.RangeIndex(0, 4, 2), "value"),
    "names of columns": (
        pd.DataFrame([[1]], columns=pd.Index(["a"], name="n")),
        pd.DataFrame([[1]], columns=pd.Index(["a"])),
        "type",
    ),
    "attrs": (with_attrs(frame(), a=1), with_attrs(frame(), a=2), "value"),
    "flags": (frame(), without_duplicates(frame()), "value"),
    "metadata of a subclass": (measured("m"), measured("s"), "value"),
    "frame and subclass": (measured("m"), pd.DataFrame({"a": [1]}), "type"),
    "series names": (pd.Series([1], name="a"), pd.Series([1], name="b"), "value"),
    "series and frame": (pd.Series([1]), frame(a=[1]), "type"),
    "missing": (pd.array([1, None]), pd.array([1, 0]), "value"),
    "NaN and NA": (
        pd.arrays.FloatingArray(np.array([NAN]), np.array([False])),
        pd.arrays.FloatingArray(np.array([NAN]), np.array([True])),
        "value",
    ),
    "nullable zeros": (pd.array([0.0, None]), pd.array([-0.0, None]), "sign-of-zero"),
    "nullable widths": (pd.array([1], dtype="Int64"), pd.array([1], dtype="Int32"), "dtype"),
    "codes": (pd.Categorical(["a", "b"]), pd.Categorical(["b", "b"], ["a", "b"]), "value"),
    "order of categories": (
        pd.Categorical(["a"], categories=["a", "b"]),
        pd.Categorical(["a"], categories=["b", "a"]),
        "value",
    ),
    "ordered": (pd.Categorical(["a"]), pd.Categorical(["a"], ordered=True), "value"),
    "order in a data type": (
        pd.CategoricalDtype([1, 2]),
        pd.CategoricalDtype([2, 1]),
        "order-only",
    ),
    "dates": (pd.Series(DAYS), pd.Series(DAYS + pd.Timedelta(1, "D")), "value"),
    "units": (pd.Series(DAYS.as_unit("s")), pd.Series(DAYS.as_unit("ms")), "dtype"),
    "time zones": (
        pd.Series(DAYS).dt.tz_localize("UTC"),
        pd.Series(DAYS).dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin"),
        "dtype",
    ),
    "zoned dates": (
        pd.Series(DAYS).dt.tz_localize("UTC"),
        pd.Series(DAYS[::-1]).dt.tz_localize("UTC"),
        "order-only",
    ),
    "periods": (
        pd.period_range("2024", periods=2, freq="M"),
        pd.period_range("2025", periods=2, freq="M"),
        "value",
    ),
    "frequencies of periods": (
        pd.period_range("2024", periods=2, freq="M"),
        pd.period_range("2024", periods=2, freq="D"),
        "dtype",
    ),
    "intervals": (pd.interval_range(0, 3), pd.interval_range(1, 4), "value"),
    "closed": (pd.interval_range(0, 3), pd.interval_range(0, 3, closed="left"), "dtype"),
    "sparse": (pd.arrays.SparseArray([0.0]), pd.arrays.SparseArray([-0.0]), "sign-of-zero"),
    "fill values": (
        pd.arrays.SparseArray([1.0], fill_value=0.0),
        pd.arrays.SparseArray([1.0], fill_value=-0.0),
        "dtype",
    ),
    "entries of levels": (PAIRS, PAIRS[::-1], "order-only"),
    "names of levels": (PAIRS, PAIRS.rename(["p", "r"]), "value"),
    "numbers of levels": (PAIRS, pd.MultiIndex.from_arrays([[1] * 4]), "length"),
    "data types of levels": (
        PAIRS,
        PAIRS.set_levels(pd.Index([1.0, 2.0]), level=0),
        "dtype",
    ),
    "Timestamps": (pd.Timestamp("2024"), pd.Timestamp("2025"), "value"),
    "one instant, two time zones": (
        pd.Timestamp("2024", tz="UTC"),
        pd.Timestamp("2024", tz="UTC").tz_convert("Europe/Berlin"),
        "value",
    ),
    "units of Timestamps": (
        pd.Timestamp("2024").as_unit("s"),
        pd.Timestamp("2024").as_unit("ns"),
        "value",
    ),
    "Timestamp and datetime": (pd.Timestamp("2024"), dt.datetime(2024, 1, 1), "type"),
    "NaT and NA": (pd.NaT, pd.NA, "type"),
    "NaT and NaN": (pd.NaT, NAN, "type"),
    "NaT of NumPy": (pd.NaT, np.datetime64("NaT", "ns"), "type"),
    "Timedeltas": (pd.Timedelta(1, "s"), pd.Timedelta(2, "s"), "value"),
    "Periods": (pd.Period("2024", "M"), pd.Period("2024", "D"), "value"),
    "Intervals": (pd.Interval(0, 1), pd.Interval(0.0, 1.0), "type"),
    "closed Intervals": (pd.Interval(0, 1), pd.Interval(0, 1, closed="left"), "value"),
    "offsets": (pd.offsets.MonthEnd(2), pd.offsets.MonthEnd(3), "value"),
    "data types of dates": (
        pd.DatetimeTZDtype("ns", "UTC"),
        pd.DatetimeTZDtype("s", "UTC"),
        "dtype",
    ),
}


@pytest.mark.parametrize(("left", "right"), EQUAL.values(), ids=EQUAL)
def test_values_that_are_the_same_are_equal(left: object, right: object) -> None:
    check_equal(left, right)


@pytest.mark.parametrize(("left", "right", "kind"), DIFFERENT.values(), ids=DIFFERENT)
def test_values_that_are_not_the_same_differ(left: object, right: object, kind: str) -> None:
    check_different(left, right, kind)


@pytest.mark.parametrize("name", EQUAL)
def test_a_value_equals_its_pickled_copy(name: str) -> None:
    check_pickled_copy(EQUAL[name][0])


def path(actual: Any, expected: Any) -> str:
    """Return the path of the only mismatch."""
    (mismatch,) = compare(actual, expected).mismatches
    return mismatch.path


def test_a_path_reads_like_code() -> None:
    base = frame(a=[1.0, 2.0], b=["x", "y"])
    assert path(base.assign(a=[1.0, 3.0]), base) == "['a'][1]"
    assert path(base.assign(b=["x", "z"]), base) == "['b'][1]"
    assert path(base.assign(a=[1, 2]), base) == "['a']"
    assert path(base.set_axis([0.0, 2.0]), base.set_axis([0.0, 1.0])) == ".index[1]"
    assert path(pd.Series(pd.array([1, None])), pd.Series(pd.array([1, 2]))) == ".isna()[1]"
    twice = pd.DataFrame([[1.0, 2.0]], columns=["a", "a"])
    assert path(twice * [1, 2], twice) == ".iloc[:, 1][0]"
    assert path(with_attrs(frame(), a=1), with_attrs(frame(), a=2)) == ".attrs['a']"


def test_every_column_is_compared_where_one_differs() -> None:
    base = pd.DataFrame(np.zeros((4, 3)), columns=list("abc"))
    changed = base.assign(a=1.0, c=-0.0)
    found = {m.path: m.kind for m in compare(changed, base).mismatches}
    assert found == {"['a'][0]": "value", "['c'][0]": "sign-of-zero"}


def test_the_numbers_of_a_frame_are_open_to_a_tolerance() -> None:
    base = frame(a=[1.0, 2.0], b=pd.array([1.0, None]))
    near = frame(a=[1.0, 2.0 + 4e-16], b=pd.array([1.0 + 2e-16, None]))
    assert not compare(near, base)
    assert compare(near, base, ulp(1))
    assert compare(near, base, close(rtol=1e-9))
    assert not compare(near * 2, base, close(rtol=1e-9))


def test_a_NaN_with_different_bits_is_a_note() -> None:
    left, right = (pd.Series(np.array([nan])) for nan in (NAN, OTHER_NAN))
    comparison = compare(left, right)
    assert comparison
    assert [note.kind for note in comparison.notes] == ["nan-payload"]


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_large_frame_is_compared_to_its_last_row(order: Any) -> None:
    values = np.asarray(np.arange(3e6).reshape(-1, 3), order=order)
    left, right = (pd.DataFrame(values.copy(order), copy=False) for _ in range(2))
    assert compare(left, right)
    right.iloc[-1, 1] = 0.5
    assert path(left, right) == "[1][999999]"
