"""Small values as plain JSON: what is carried, what is not, and what hostile data are."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

from pytest_parwork.equivalence import compare
from pytest_parwork.report.values import carry, is_whole, restore


def through_json(value: object) -> Any:
    carried = carry(value)
    assert carried is not None
    return restore(json.loads(json.dumps(carried, allow_nan=False)))


@pytest.mark.parametrize(
    "value",
    [
        True,
        0,
        -(10**70),
        0.1,
        -0.0,
        math.nan,
        -math.inf,
        "ä\x1b[2J",
        1 - 2j,
        complex(math.nan, 1),
        [],
        [1, [2.5, "x"]],
        (1, (2,)),
        {"a": [1, (2.5, None)], 3: {}, (1, 2): "x"},
        np.float32(1) / 3,
        np.int8(-7),
        np.bool_(True),
        np.complex64(1 + 2j),
        np.arange(6.0).reshape(2, 3) / 3,
        np.array([np.nan, np.inf, -0.0], dtype=np.float16),
        np.array([True, False]),
        np.array([2**64 - 1], dtype=np.uint64),
        np.array([1.5], dtype=">f8"),
        np.zeros((0, 3)),
        np.array(1.5),
        {"x": np.arange(3), "y": [np.float64(0.1)]},
    ],
    ids=repr,
)
def test_a_small_value_comes_back_as_it_was(value: object) -> None:
    assert compare(through_json(value), value)
    assert is_whole(carry(value))


@pytest.mark.parametrize(
    "value",
    [
        list(range(1000)),
        "x" * 201,
        10**100,
        {1, 2},
        b"bytes",
        object(),
        OrderedDict(a=1),
        np.array(["text"]),
        np.array([object()]),
        np.longdouble(1),
        np.ma.array([1, 2], mask=[False, True]),
        np.zeros(1, dtype=[("a", int), ("b", float)]),
        [np.zeros(64)] * 10,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_large_or_no_plain_data_is_not_carried(value: object) -> None:
    assert carry(value) is None


def test_a_value_that_contains_itself_is_not_carried() -> None:
    value: list[object] = []
    value.append(value)
    assert carry(value) is None


@pytest.mark.parametrize("dtype", ["float64", "float16", "int64", "uint8"])
def test_a_large_array_of_numbers_is_summarised(dtype: str) -> None:
    carried = carry([np.arange(100).astype(dtype)])
    assert not is_whole(carried)
    assert restore(carried) == [
        {
            "dtype": np.dtype(dtype).str,
            "shape": (100,),
            "finite": 100,
            "min": 0,
            "max": 99,
            "mean": 49.5,
        }
    ]


def test_a_summary_counts_what_is_not_finite() -> None:
    summary: Any = restore(carry(np.full(100, np.nan)))
    assert summary["finite"] == 0
    assert "mean" not in summary
    flags: Any = restore(carry(np.ones(100, dtype=bool)))
    assert flags["nonzero"] == 100


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"float": "1"},
        {"float": ["nan"]},
        {"complex": [1]},
        {"complex": ["1", 2]},
        {"tuple": 3},
        {"dict": [[1]]},
        {"dict": [[[], 1]]},
        {"a": 1, "b": 2},
        {"unknown": 1},
        {"array": []},
        {"array": {"dtype": "<f8", "shape": [2], "values": [1]}},
        {"array": {"dtype": "<f8", "shape": [10**9], "values": []}},
        {"array": {"dtype": "<f8", "shape": [-1], "values": []}},
        {"array": {"dtype": "O", "shape": [1], "values": [1]}},
        {"array": {"dtype": "f8,f8", "shape": [1], "values": [1]}},
        {"array": {"dtype": "<f8", "shape": [1], "values": ["x"]}},
        {"array": {"dtype": "|i1", "shape": [1], "values": [10**30]}},
        {"scalar": {"dtype": "<f8", "value": [1, 2]}},
        {"scalar": {"dtype": ["<f8"], "value": 1}},
    ],
    ids=str,
)
def test_data_without_a_known_form_are_an_error(data: Any) -> None:
    with pytest.raises(ValueError, match=r"^(a|an) (value|array|key)"):
        restore(data)


def test_data_that_are_nested_too_deep_are_an_error() -> None:
    data: Any = 1
    for _ in range(100):
        data = [data]
    with pytest.raises(ValueError, match="nested too deep"):
        restore(data)
