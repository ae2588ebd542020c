"""The relation `exact` between values of Arrow, as a table of pairs."""

from __future__ import annotations

import datetime as dt
import struct
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from relation.checks import check_different, check_equal, check_pickled_copy

from pytest_parwork.equivalence import close, compare, ulp

pa = pytest.importorskip("pyarrow")
pc = pytest.importorskip("pyarrow.compute")

NAN = float("nan")
OTHER_NAN = struct.unpack("<d", struct.pack("<Q", 0xFFF8_0000_0000_0001))[0]
NOON = dt.datetime(2024, 1, 1, 12)

#: Values of each type, including a null.
VALUES: dict[str, tuple[list[Any], Any]] = {
    "floats": ([1.0, -0.0, NAN, None], pa.float64()),
    "narrow floats": ([0.5, None], pa.float32()),
    "half floats": ([np.float16(0.5), None], pa.float16()),
    "ints": ([1, None, 2**62 + 1], pa.int64()),
    "bools": ([True, False, None], pa.bool_()),
    "text": (["a", "", None], pa.string()),
    "large text": (["a", "", None], pa.large_string()),
    "bytes": ([b"a", None], pa.binary()),
    "bytes of one length": ([b"ab", None], pa.binary(2)),
    "dates": ([NOON.date(), None], pa.date32()),
    "times": ([NOON.time(), None], pa.time64("ns")),
    "timestamps": ([1_700_000_000_000_000_001, None], pa.timestamp("ns", "UTC")),
    "durations": ([dt.timedelta(1), None], pa.duration("us")),
    "months": ([pa.MonthDayNano([1, 2, 3]), None], pa.month_day_nano_interval()),
    "decimals": ([Decimal("1.10"), None], pa.decimal128(10, 2)),
    "lists": ([[1.0, None], [], None, [NAN]], pa.list_(pa.float64())),
    "large lists": ([[1.0, None], [], None], pa.large_list(pa.float64())),
    "lists of one length": ([[1.0, 2.0], None], pa.list_(pa.float32(), 2)),
    "lists of lists": ([[[1], []], None, [None]], pa.list_(pa.list_(pa.int64()))),
    "structs": (
        [{"x": 1.0, "y": "a"}, None, {"x": None, "y": "b"}],
        pa.struct([("x", pa.float64()), ("y", pa.string())]),
    ),
    "maps": ([[("k", 1.0)], [], None], pa.map_(pa.string(), pa.float64())),
    "nulls": ([None, None], pa.null()),
    "nothing": ([], pa.float64()),
}

ENCODED: dict[str, Any] = {
    "dictionaries": pa.array(["a", "b", None, "a"]).dictionary_encode(),
    "dictionaries of floats": pa.array([0.5, NAN, 0.5]).dictionary_encode(),
    "runs": pc.run_end_encode(pa.array([1.0, 1.0, 2.0, None])),
    "a sparse union": pa.UnionArray.from_sparse(
        pa.array([0, 1], pa.int8()), [pa.array([1.0, 2.0]), pa.array(["a", "b"])]
    ),
    "a dense union": pa.UnionArray.from_dense(
        pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32()), [pa.array([0.5]), pa.array([1])]
    ),
    "tensors in rows": pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(6.0).reshape(2, 3)),
}


def table(**columns: Any) -> Any:
    return pa.table(columns)


def annotated(value: Any, **metadata: str) -> Any:
    return value.replace_schema_metadata(metadata)


EQUAL: dict[str, tuple[Any, Any]] = {
    **{name: (pa.array(*given), pa.array(*given)) for name, given in VALUES.items()},
    **{name: (value, value) for name, value in ENCODED.items()},
    "a slice": (pa.array([1.0, 2.0, None])[1:], pa.array([2.0, None])),
    "a slice of lists": (pa.array([[1.0], [2.0], None])[1:], pa.array([[2.0], None])),
    "a slice of structs": (pa.array([{"x": 1}, {"x": 2}])[1:], pa.array([{"x": 2}])),
    "what lies below a null": (
        pa.Array.from_buffers(
            pa.int64(), 2, [pa.py_buffer(b"\x01"), pa.py_buffer(np.array([1, 9]).tobytes())]
        ),
        pa.array([1, None]),
    ),
    "other dictionaries": (
        pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array(["a", "b"])),
        pa.DictionaryArray.from_arrays(pa.array([1, 0]), pa.array(["b", "a"])),
    ),
    "other runs": (
        pa.RunEndEncodedArray.from_arrays([1, 2], [1.0, 1.0]),
        pa.RunEndEncodedArray.from_arrays([2], [1.0]),
    ),
    "chunks": (pa.chunked_array([[1.0], [2.0, None]]), pa.chunked_array([[1.0, 2.0, None]])),
    "no chunks": (
        pa.chunked_array([], pa.float64()),
        pa.chunked_array([pa.array([], pa.float64())]),
    ),
    "tables": (table(a=[1.0, None], b=["x", "y"]), table(a=[1.0, None], b=["x", "y"])),
    "tables with metadata": (annotated(table(a=[1]), u="m"), annotated(table(a=[1]), u="m")),
    "two columns of one name": (
        pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]),
        pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]),
    ),
    "batches": (
        pa.RecordBatch.from_pydict({"a": [1, 2]}),
        pa.RecordBatch.from_pydict({"a": [1, 2]}),
    ),
    "schemas": (pa.schema({"a": pa.int64()}), pa.schema({"a": pa.int64()})),
    "types": (pa.list_(pa.int64()), pa.list_(pa.int64())),
    "tensors": (pa.Tensor.from_numpy(np.eye(2)), pa.Tensor.from_numpy(np.eye(2))),
    "buffers": (pa.py_buffer(b"ab"), pa.py_buffer(b"ab")),
}

NULLABLE = pa.schema([pa.field("a", pa.int64())])
FULL = pa.schema([pa.field("a", pa.int64(), nullable=False)])

DIFFERENT: dict[str, tuple[Any, Any, str]] = {
    "floats": (pa.array([1.0]), pa.array([2.0]), "value"),
    "zeros": (pa.array([0.0]), pa.array([-0.0]), "sign-of-zero"),
    "zeros of a table": (table(a=[0.0]), table(a=[-0.0]), "sign-of-zero"),
    "zeros in chunks": (pa.chunked_array([[0.0]]), pa.chunked_array([[-0.0]]), "sign-of-zero"),
    "zeros in lists": (pa.array([[0.0]]), pa.array([[-0.0]]), "sign-of-zero"),
    "zeros in structs": (pa.array([{"x": 0.0}]), pa.array([{"x": -0.0}]), "sign-of-zero"),
    "zeros in maps": (
        pa.array([[("k", 0.0)]], pa.map_(pa.string(), pa.float64())),
        pa.array([[("k", -0.0)]], pa.map_(pa.string(), pa.float64())),
        "sign-of-zero",
    ),
    "zeros in dictionaries": (
        pa.array([0.0]).dictionary_encode(),
        pa.array([-0.0]).dictionary_encode(),
        "sign-of-zero",
    ),
    "zeros in unions": (
        ENCODED["a sparse union"],
        pa.UnionArray.from_sparse(
            pa.array([0, 1], pa.int8()), [pa.array([1.5, 2.0]), pa.array(["a", "b"])]
        ),
        "value",
    ),
    "tensors in rows": (
        ENCODED["tensors in rows"],
        pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(1.0, 7.0).reshape(2, 3)),
        "value",
    ),
    "zero and null": (pa.array([0]), pa.array([None], pa.int64()), "value"),
    "NaN and null": (pa.array([NAN]), pa.array([None], pa.float64()), "value"),
    "types": (pa.array([1]), pa.array([1.0]), "type"),
    "units": (
        pa.array([NOON], pa.timestamp("ms")),
        pa.array([NOON], pa.timestamp("us")),
        "dtype",
    ),
    "nanoseconds": (
        pa.array([1_700_000_000_000_000_001], pa.timestamp("ns")),
        pa.array([1_700_000_000_000_000_002], pa.timestamp("ns")),
        "value",
    ),
    "types of a table": (table(a=[1]), table(a=[1.0]), "dtype"),
    "units of a table": (
        table(a=pa.array([NOON], pa.timestamp("ms"))),
        table(a=pa.array([NOON], pa.timestamp("us"))),
        "dtype",
    ),
    "lengths": (pa.array([1]), pa.array([1, 2]), "shape"),
    "where lists end": (pa.array([[1], [2, 3]]), pa.array([[1, 2], [3]]), "order-only"),
    "an empty list and none": (
        pa.array([[]], pa.list_(pa.int64())),
        pa.array([None], pa.list_(pa.int64())),
        "value",
    ),
    "a struct of nulls and none": (
        pa.array([{"x": None}], pa.struct([("x", pa.int64())])),
        pa.array([None], pa.struct([("x", pa.int64())])),
        "value",
    ),
    "text": (pa.array(["a", None]), pa.array(["b", None]), "value"),
    "text and null": (pa.array(["a"]), pa.array([None], pa.string()), "type"),
    "order of a dictionary that counts": (
        pa.DictionaryArray.from_arrays(pa.array([0]), pa.array(["a", "b"]), ordered=True),
        pa.DictionaryArray.from_arrays(pa.array([1]), pa.array(["b", "a"]), ordered=True),
        "order-only",
    ),
    "names": (table(a=[1]), table(b=[1]), "value"),
    "order of columns": (table(a=[1], b=[2]), table(b=[2], a=[1]), "order-only"),
    "rows": (table(a=[1, 2]), table(a=[1]), "shape"),
    "metadata": (annotated(table(a=[1]), u="m"), annotated(table(a=[1]), u="s"), "value"),
    "metadata and none": (annotated(table(a=[1]), u="m"), table(a=[1]), "type"),
    "metadata of fields": (
        pa.schema([pa.field("a", pa.int64(), metadata={"u": "m"})]),
        pa.schema([pa.field("a", pa.int64(), metadata={"u": "s"})]),
        "value",
    ),
    "nullable": (NULLABLE, FULL, "value"),
    "nullable columns": (
        NULLABLE.empty_table(),
        FULL.empty_table(),
        "value",
    ),
    "table and batch": (table(a=[1]), pa.RecordBatch.from_pydict({"a": [1]}), "type"),
    "types as values": (pa.list_(pa.int64()), pa.list_(pa.int32()), "dtype"),
    "tensors": (
        pa.Tensor.from_numpy(np.zeros(2)),
        pa.Tensor.from_numpy(-np.zeros(2)),
        "sign-of-zero",
    ),
    "buffers": (pa.py_buffer(b"ab"), pa.py_buffer(b"ac"), "value"),
    "readers": (table(a=[1]).to_reader(), table(a=[1]).to_reader(), "uncomparable"),
}

#: Values that cannot be pickled.
AT_HOME = {"tensors"}


@pytest.mark.parametrize(("left", "right"), EQUAL.values(), ids=EQUAL)
def test_values_that_are_the_same_are_equal(left: object, right: object) -> None:
    check_equal(left, right)


@pytest.mark.parametrize(("left", "right", "kind"), DIFFERENT.values(), ids=DIFFERENT)
def test_values_that_are_not_the_same_differ(left: object, right: object, kind: str) -> None:
    check_different(left, right, kind)


@pytest.mark.parametrize("name", sorted(EQUAL.keys() - AT_HOME))
def test_a_value_equals_its_pickled_copy(name: str) -> None:
    check_pickled_copy(EQUAL[name][0])


@pytest.mark.parametrize("name", sorted(VALUES.keys() | ENCODED))
def test_scalars_are_equal_where_they_are_the_same(name: str) -> None:
    left, right = EQUAL[name]
    for number in range(len(left)):
        check_equal(left[number], right[number])


@pytest.mark.parametrize("name", VALUES)
def test_a_missing_element_is_found(name: str) -> None:
    values, kind = VALUES[name]
    whole = pa.array(values, kind)
    for row, value in enumerate(values):
        if value is not None:
            partly = pa.array([*values[:row], None, *values[row + 1 :]], kind)
            assert not compare(partly, whole)
            assert not compare(whole, partly)
            assert not compare(partly[row], whole[row])


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        (pa.scalar(0.0), pa.scalar(-0.0), "sign-of-zero"),
        (pa.scalar(0.5, pa.float32()), pa.scalar(0.25, pa.float32()), "value"),
        (pa.scalar("a"), pa.scalar("b"), "value"),
        (pa.scalar([0.0]), pa.scalar([-0.0]), "sign-of-zero"),
        (pa.scalar({"x": 0.0}), pa.scalar({"x": -0.0}), "sign-of-zero"),
        (pa.scalar(NOON, pa.timestamp("s")), pa.scalar(NOON, pa.timestamp("ms")), "dtype"),
        (ENCODED["dictionaries"][0], ENCODED["dictionaries"][1], "value"),
        (ENCODED["a dense union"][0], ENCODED["a dense union"][1], "value"),
        (ENCODED["tensors in rows"][0], ENCODED["tensors in rows"][1], "value"),
    ],
)
def test_scalars_that_are_not_the_same_differ(left: object, right: object, kind: str) -> None:
    check_different(left, right, kind)


def path(actual: Any, expected: Any) -> str:
    """Return the path of the only mismatch."""
    (mismatch,) = compare(actual, expected).mismatches
    return mismatch.path


def test_a_path_reads_like_code() -> None:
    assert path(table(a=[1.0, 2.0]), table(a=[1.0, 3.0])) == "['a'][1]"
    assert path(table(a=["x", "y"]), table(a=["x", "z"])) == "['a'][1]"
    assert path(table(a=[[1.0], [2.0]]), table(a=[[1.0], [3.0]])) == "['a'].flatten()[1]"
    assert path(table(a=[{"x": 1}]), table(a=[{"x": 2}])) == "['a'].field('x')[0]"
    assert path(pa.array([1, None]), pa.array([1, 2])) == ".is_valid()[1]"
    assert path(NULLABLE, FULL) == ".field(0).nullable"
    twice = [pa.Table.from_arrays([pa.array([1]), pa.array([n])], names=["a", "a"]) for n in (2, 3)]
    assert path(*twice) == ".column(1)[0]"


def test_numbers_at_any_depth_are_open_to_a_tolerance() -> None:
    left, right = (
        table(a=[x, None], b=[[x], []], c=[{"x": x}, None], d=pa.array([x, x]).dictionary_encode())
        for x in (1.0, 1.0 + 2.3e-16)
    )
    assert compare(left, right).count == 4
    assert compare(left, right, ulp(1))
    assert compare(left[:1], right[:1], close(rtol=1e-9))


def test_a_NaN_with_different_bits_is_a_note() -> None:
    comparison = compare(pa.array(np.array([NAN])), pa.array(np.array([OTHER_NAN])))
    assert comparison
    assert [note.kind for note in comparison.notes] == ["nan-payload"]
