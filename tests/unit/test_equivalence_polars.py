"""The relation `exact` between values of polars, as a table of pairs."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from relation.checks import check_different, check_equal, check_pickled_copy

from pytest_parwork.equivalence import compare, ulp

pl = pytest.importorskip("polars")

NAN = float("nan")
NOON = dt.datetime(2024, 1, 1, 12)


def series(values: list[Any], dtype: Any = None) -> Any:
    return pl.Series("s", values, dtype)


def frame(**columns: Any) -> Any:
    return pl.DataFrame(columns)


#: Values of each data type, including a null.
VALUES: dict[str, tuple[list[Any], Any]] = {
    "floats": ([1.0, -0.0, NAN, None], pl.Float64),
    "narrow floats": ([0.5, None], pl.Float32),
    "ints": ([1, None, 2**62 + 1], pl.Int64),
    "unsigned": ([2**64 - 1, None], pl.UInt64),
    "bools": ([True, False, None], pl.Boolean),
    "text": (["a", "", None], pl.String),
    "bytes": ([b"a", None], pl.Binary),
    "dates": ([NOON.date(), None], pl.Date),
    "times": ([NOON.time(), None], pl.Time),
    "datetimes": ([NOON, None], pl.Datetime("ms")),
    "zoned": ([NOON, None], pl.Datetime("us", "Europe/Berlin")),
    "durations": ([dt.timedelta(1), None], pl.Duration("us")),
    "decimals": ([Decimal("1.10"), None], pl.Decimal(10, 2)),
    "categories": (["a", "b", None], pl.Categorical),
    "enums": (["a", "b", None], pl.Enum(["b", "a"])),
    "lists": ([[1.0, None], [], None, [NAN]], pl.List(pl.Float64)),
    "lists of lists": ([[[1], []], None, [None]], pl.List(pl.List(pl.Int64))),
    "arrays": ([[1.0, 2.0], None], pl.Array(pl.Float32, 2)),
    "structs": ([{"x": 1.0, "y": "a"}, None], pl.Struct({"x": pl.Float64, "y": pl.String})),
    "lists of structs": ([[{"x": 1.0}], []], pl.List(pl.Struct({"x": pl.Float64}))),
    "nulls": ([None, None], pl.Null),
    "nothing": ([], pl.Float64),
}

EQUAL: dict[str, tuple[Any, Any]] = {
    **{name: (series(*given), series(*given)) for name, given in VALUES.items()},
    "chunks": (series([1.0, 2.0]), series([1.0]).append(series([2.0]))),
    "flags": (series([1, 2]), series([1, 2]).set_sorted()),
    "codes of categories": (
        series(["b", "a"], pl.Categorical),
        series(["a", "b"], pl.Categorical).reverse(),
    ),
    "frames": (
        frame(a=[1.0, None], b=["x", "y"], c=[[1], []]),
        frame(a=[1.0, None], b=["x", "y"], c=[[1], []]),
    ),
    "no columns": (frame(), frame()),
    "expressions": (pl.col("a") + 1.5, pl.col("a") + 1.5),
    "data types": (pl.Datetime("us"), pl.Datetime("us")),
    "schemas": (pl.Schema({"a": pl.Int64()}), pl.Schema({"a": pl.Int64()})),
}

DIFFERENT: dict[str, tuple[Any, Any, str]] = {
    "floats": (series([1.0]), series([2.0]), "value"),
    "zeros": (series([0.0]), series([-0.0]), "sign-of-zero"),
    "zeros of a frame": (frame(a=[0.0]), frame(a=[-0.0]), "sign-of-zero"),
    "NaN and null": (series([NAN]), series([None], pl.Float64), "value"),
    "zero and null": (series([0]), series([None], pl.Int64), "value"),
    "nulls elsewhere": (series([1, None]), series([None, 1]), "order-only"),
    "data types": (series([1], pl.Int64), series([1], pl.Int32), "dtype"),
    "units": (series([NOON], pl.Datetime("ms")), series([NOON], pl.Datetime("us")), "dtype"),
    "lengths": (series([1]), series([1, 2]), "shape"),
    "names": (series([1]), series([1]).alias("t"), "value"),
    "text": (series(["a", None]), series(["b", None]), "value"),
    "text and null": (series(["a"]), series([None], pl.String), "type"),
    "bytes": (series([b"a"]), series([b"b"]), "value"),
    "bools": (series([True]), series([False]), "value"),
    "dates": (series([NOON.date()]), series([dt.date(2025, 1, 1)]), "value"),
    "datetimes": (series([NOON]), series([NOON + dt.timedelta(1)]), "value"),
    "durations": (series([dt.timedelta(1)]), series([dt.timedelta(2)]), "value"),
    "decimals": (series([Decimal("1.1")]), series([Decimal("1.2")]), "value"),
    "scales": (series([Decimal("1.1")]), series([Decimal("1.10")]), "dtype"),
    "categories": (
        series(["a"], pl.Categorical),
        series(["b"], pl.Categorical),
        "value",
    ),
    "enums": (series(["a"], pl.Enum(["a"])), series(["a"], pl.Enum(["a", "b"])), "dtype"),
    "zeros in lists": (series([[0.0]]), series([[-0.0]]), "sign-of-zero"),
    "zeros in arrays": (
        series([[0.0]], pl.Array(pl.Float32, 1)),
        series([[-0.0]], pl.Array(pl.Float32, 1)),
        "sign-of-zero",
    ),
    "zeros in structs": (series([{"x": 0.0}]), series([{"x": -0.0}]), "sign-of-zero"),
    "an empty list and none": (
        series([[]], pl.List(pl.Int64)),
        series([None], pl.List(pl.Int64)),
        "value",
    ),
    "an empty list and one of a null": (
        series([[]], pl.List(pl.Int64)),
        series([[None]], pl.List(pl.Int64)),
        "value",
    ),
    "where lists end": (series([[1], [2, 3]]), series([[1, 2], [3]]), "order-only"),
    "a struct of nulls and none": (
        series([{"x": None}], pl.Struct({"x": pl.Int64})),
        series([None], pl.Struct({"x": pl.Int64})),
        "value",
    ),
    "objects": (series([{1}], pl.Object), series([{2}], pl.Object), "missing"),
    "names of columns": (frame(a=[1]), frame(b=[1]), "value"),
    "order of columns": (frame(a=[1], b=[2]), frame(b=[2], a=[1]), "order-only"),
    "a column more": (frame(a=[1], b=[2]), frame(a=[1]), "length"),
    "rows": (frame(a=[1, 2]), frame(a=[1]), "shape"),
    "series and frame": (series([1]), frame(s=[1]), "type"),
    "expressions": (pl.col("a") + 1, pl.col("a") + 2, "value"),
    "zeros in expressions": (pl.lit(0.0), pl.lit(-0.0), "value"),
    "lazy frames": (frame(a=[1]).lazy(), frame(a=[1]).lazy(), "uncomparable"),
    "data types as values": (pl.Datetime("us"), pl.Datetime("ms"), "dtype"),
    "data types that hold others": (
        pl.List(pl.Datetime),
        pl.List(pl.Datetime("us")),
        "dtype",
    ),
}
if hasattr(pl, "Float16"):
    HALF = series([0.5, None], pl.Float16)
    EQUAL["half floats"] = (HALF, HALF.clone())
    DIFFERENT["half floats"] = (HALF, series([0.25, None], pl.Float16), "value")
if hasattr(pl, "Int128"):
    WIDE = series([2**70, None], pl.Int128)
    EQUAL["wide ints"] = (WIDE, WIDE.clone())
    DIFFERENT["wide ints"] = (WIDE, series([2**70 + 1, None], pl.Int128), "value")


@pytest.mark.parametrize(("left", "right"), EQUAL.values(), ids=EQUAL)
def test_values_that_are_the_same_are_equal(left: object, right: object) -> None:
    check_equal(left, right)


@pytest.mark.parametrize(("left", "right", "kind"), DIFFERENT.values(), ids=DIFFERENT)
def test_values_that_are_not_the_same_differ(left: object, right: object, kind: str) -> None:
    check_different(left, right, kind)


@pytest.mark.parametrize("name", EQUAL)
def test_a_value_equals_its_pickled_copy(name: str) -> None:
    check_pickled_copy(EQUAL[name][0])


@pytest.mark.parametrize("name", VALUES)
def test_a_missing_element_is_found(name: str) -> None:
    whole = series(*VALUES[name])
    for row in np.flatnonzero(~whole.is_null().to_numpy()):
        mask = pl.Series(np.arange(len(whole)) != row)
        partly = frame(s=whole, keep=mask).select(pl.when("keep").then("s").alias("s"))["s"]
        assert not compare(partly, whole)
        assert not compare(whole, partly)


def path(actual: Any, expected: Any) -> str:
    """Return the path of the only mismatch."""
    (mismatch,) = compare(actual, expected).mismatches
    return mismatch.path


def test_a_path_reads_like_code() -> None:
    assert path(frame(a=[1.0, 2.0]), frame(a=[1.0, 3.0])) == "['a'][1]"
    assert path(frame(a=["x", "y"]), frame(a=["x", "z"])) == "['a'][1]"
    assert path(frame(a=[[1.0], [2.0]]), frame(a=[[1.0], [3.0]])) == "['a'].explode()[1]"
    assert path(frame(a=[{"x": 1}]), frame(a=[{"x": 2}])) == "['a'].struct.field('x')[0]"
    assert path(series([1, None]), series([1, 2])) == ".is_null()[1]"


def test_a_lazy_frame_gets_advice() -> None:
    (mismatch,) = compare(frame(a=[1]).lazy(), frame(a=[1]).lazy()).mismatches
    assert ".collect()" in mismatch.difference


def test_numbers_at_any_depth_are_open_to_a_tolerance() -> None:
    left = frame(a=[1.0, None], b=[[1.0], []], c=[{"x": 1.0}, None])
    right = left.with_columns(
        a=pl.col("a") + 2.3e-16,
        b=pl.col("b").list.eval(pl.element() + 2.3e-16),
        c=pl.struct(x=pl.col("c").struct.field("x") + 2.3e-16),
    ).with_columns(c=pl.when(pl.col("a").is_not_null()).then("c"))
    assert compare(left, right).count == 3
    assert compare(left, right, ulp(1))
