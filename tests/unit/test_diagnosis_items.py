"""Other contents for items, and the numbers that are made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytest_parwork.verify.diagnosis.items import (
    ZERO,
    Changed,
    floats_in,
    items_of,
    numbers_that_differ,
    rounded,
)

ITEMS = [1, 2, 3]
SINGLE = [1]


def body(n: int, given: list[float]) -> object:
    return [2 * one for one in ITEMS], SINGLE, n, given


def test_items_are_sequences_of_two_or_more_that_a_body_gets_or_names() -> None:
    found = items_of(body, {"n": 2, "given": [1.0, 2.0], "text": "abc", "array": np.arange(3)})
    assert set(found) == {"ITEMS", "given", "array"}


@pytest.mark.parametrize("items", [[1, 2, 3], (1, 2, 3), np.array([1, 2, 3])], ids=type)
def test_items_get_the_content_of_others_and_the_originals_stay(items: object) -> None:
    change = Changed(contents={"items": {0: 2, 1: ZERO}}, steps=())
    changed = change(lambda items: items)(items=items)
    assert type(changed) is type(items)
    assert list(changed) == [3, 0, 3]  # type: ignore[call-overload]  # one of three
    assert list(items) == [1, 2, 3]  # type: ignore[call-overload]


def test_a_part_of_the_result_is_returned() -> None:
    change = Changed(contents={"items": {0: 1}}, steps=("sums", 1))
    assert change(lambda items: {"sums": [0, sum(items)]})(items=[1, 5]) == 10


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_sums_of_rounded_items_are_exact_in_any_order(dtype: type) -> None:
    items: Any = np.random.default_rng(0).normal(size=1000).astype(dtype)
    few = rounded(items)
    assert few.dtype == items.dtype
    assert abs(few - items).max() < 1e-3
    assert sum(few) == sum(few[::-1]) == sum(few[::2]) + sum(few[1::2])
    listed = rounded([0.1, float("inf"), 0.3])
    assert listed[1] == float("inf")
    assert rounded([0.0, 0.0]) == [0.0, 0.0]


def test_only_floats_are_rounded() -> None:
    assert floats_in([1, 2.0]) == []
    assert floats_in(np.arange(3)) == []
    assert floats_in((0.5, 1.0)) == [0.5, 1.0]


def test_single_numbers_that_differ_are_found_in_mappings_and_sequences() -> None:
    one = {"items": [1, 2], "total": 3, "mean": {"of": [1.5, "a"]}}
    other = {"items": [1, 2], "total": 4, "mean": {"of": [1.0, "b"]}}
    assert sorted(numbers_that_differ(one, other), key=str) == [("mean", "of", 0), ("total",)]
    assert list(numbers_that_differ(1.0, 2.0)) == [()]
    assert list(numbers_that_differ(np.float64(1), np.float64(2))) == [()]
    for pair in ((True, False), ("a", "b"), ([1], [1, 2]), (np.arange(2), np.arange(2) + 1)):
        assert list(numbers_that_differ(*pair)) == []
