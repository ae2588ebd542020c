"""The texts of a comparison: paths, differences, bounds."""

from __future__ import annotations

import dataclasses
import math
from collections import OrderedDict, namedtuple
from collections.abc import Iterator

import numpy as np
import pytest

from pytest_parwork.equivalence import compare
from pytest_parwork.model.comparison import Mismatch


@dataclasses.dataclass
class Model:
    weight: object


Row = namedtuple("Row", "x y")


def iter_nothing() -> Iterator[int]:
    yield from ()


def first(actual: object, expected: object) -> Mismatch:
    return compare(actual, expected).mismatches[0]


NAN = float("nan")
GRID = np.arange(12.0).reshape(3, 4)
CHANGED = GRID.copy()
CHANGED[1, 2] = 6.5
CHANGED[2, 3] = -11.0


@pytest.mark.parametrize(
    ("actual", "expected", "path"),
    [
        (1, 2, ""),
        ([1, 2, 3], [1, 2, 4], "[2]"),
        ({"coef": [0, 0, 0, 0, 1]}, {"coef": [0, 0, 0, 0, 2]}, "['coef'][4]"),
        ({"coef": np.array([0.0, 1.0])}, {"coef": np.array([0.0, 2.0])}, "['coef'][1]"),
        ({3: 1}, {3: 2}, "[3]"),
        ({(1, "a"): 1}, {(1, "a"): 2}, "[(1, 'a')]"),
        ({"{}": 1}, {"{}": 2}, "['{}']"),
        ({}, {"k": 1}, "['k']"),
        ({"k": 1}, {}, "['k']"),
        ({1, 2}, {1}, "{2}"),
        (Model(1), Model(2), ".weight"),
        ([Model({"a": (1, 2)})], [Model({"a": (1, 3)})], "[0].weight['a'][1]"),
        (Row(1, 2), Row(1, 3), ".y"),
        (CHANGED, GRID, "[1, 2]"),
        ([np.array(1.0)], [np.array(2.0)], "[0]"),
        (np.array([[1, "a"]], object), np.array([[1, "b"]], object), "[0, 1]"),
        (ValueError("a"), ValueError("b"), ".args[0]"),
        (np.array([(1, 2)], "i4,i4"), np.array([(1, 3)], "i4,i4"), "['f1'][0]"),
        (slice(1), slice(2), ".stop"),
        ([1], [1, 2], ""),
    ],
)
def test_a_path_reads_like_code(actual: object, expected: object, path: str) -> None:
    assert first(actual, expected).path == path


@pytest.mark.parametrize(
    ("actual", "expected", "difference"),
    [
        (3.1398450, 3.1415122, "-0.053 %, 3.8e12 ulp"),
        (np.float64(3.1398450), np.float64(3.1415122), "-0.053 %, 3.8e12 ulp"),
        (math.nextafter(1.0, 2), 1.0, "+2.2e-16 relative, 1 ulp"),
        (0.5, 0.0, "0.5 from zero, 4.6e18 ulp"),
        (-0.0, 0.0, "the sign of zero"),
        (math.inf, 1.0, ""),
        (1 + 2j, 1 + 1j, "imag +100 %, 4.5e15 ulp"),
        (5, 3, "+2"),
        (3, 5, "-2"),
        (1, 1.0, "type int, expected float"),
        (np.float64(1), 1.0, "type numpy.float64, expected float"),
        ("abcdef", "abcxef", "from [3]: 'def', expected 'xef'"),
        ("abc", "abcd", "from [3]: '', expected 'd'"),
        ([1], [1, 2], "1 items, expected 2"),
        (GRID, GRID.astype("f4"), "dtype float64, expected float32"),
        (GRID, GRID.ravel(), "shape (3, 4), expected (12,)"),
        (np.arange(3), np.array([0, 1, 5]), "1 of 3 elements differ, at [2]; abs 3, rel 60 %"),
        (
            CHANGED,
            GRID,
            "2 of 12 elements differ, at [1, 2], [2, 3]; "
            "max abs 22 at [2, 3], max rel 200 %, max 9.2e18 ulp",
        ),
        (
            np.ones(9),
            np.zeros(9),
            "9 of 9 elements differ, at [0], [1], [2], [3], [4], …; "
            "max abs 1 at [0], max 4.6e18 ulp",
        ),
        (np.array([1.0, NAN]), np.array([1.0, 2.0]), "1 of 2 elements differ, at [1]"),
        (
            np.array([0.0, 1.0]),
            np.array([-0.0, 1.0]),
            "1 of 2 elements differ, at [0]; the sign of zero",
        ),
        (
            np.array([1, 2**63 - 1]),
            np.array([1, -(2**63)]),
            "1 of 2 elements differ, at [1]; abs 1.8e19, rel 200 %",
        ),
        (
            np.float32(1),
            np.nextafter(np.float32(1), np.float32(0)),
            "abs 6e-8, rel 6e-8, 1 ulp",
        ),
        (np.array(["a", "b"]), np.array(["a", "c"]), "1 of 2 elements differ, at [1]"),
        (
            OrderedDict([(1, 1), (2, 2)]),
            OrderedDict([(2, 2), (1, 1)]),
            "the same keys in another order",
        ),
    ],
)
def test_a_difference_says_how_far_apart_the_values_are(
    actual: object, expected: object, difference: str
) -> None:
    assert first(actual, expected).difference == difference


def test_an_uncomparable_value_comes_with_advice() -> None:
    mismatch = first(iter_nothing(), iter_nothing())
    assert mismatch.difference == "a generator cannot be compared; return list(...)"


def test_an_equality_that_raises_comes_with_advice() -> None:
    pair = [{"a": np.ones(2)}, {"a": np.ones(2)}]

    class Lazy:
        def __eq__(self, other: object) -> bool:
            return pair[0] == pair[1]

        __hash__ = None  # type: ignore[assignment]

    mismatch = compare([Lazy()], [Lazy()]).mismatches[0]
    assert (mismatch.path, mismatch.kind) == ("[0]", "uncomparable")
    assert "comparing raised ValueError('The truth value" in mismatch.difference
    assert mismatch.difference.endswith("compare with a function")


def test_a_part_that_one_side_lacks_is_shown_as_nothing() -> None:
    assert first({}, {"k": 1}) == Mismatch(
        path="['k']", kind="missing", actual="nothing", expected="1"
    )


def test_all_mismatches_are_counted_and_a_hundred_kept() -> None:
    comparison = compare([0] * 1000, [1] * 1000)
    assert (comparison.count, len(comparison.mismatches)) == (1000, 100)
    assert str(comparison).endswith("\n\n  1000 mismatches: 1000 value; 10 shown")


def test_mismatches_come_in_the_order_of_the_values() -> None:
    comparison = compare([1, {"a": [2], "b": 3}, 4], [0, {"a": [0], "b": 0}, 0])
    assert [m.path for m in comparison.mismatches] == ["[0]", "[1]['a'][0]", "[1]['b']", "[2]"]


def test_an_array_gives_one_mismatch() -> None:
    mismatch = first(CHANGED, GRID)
    assert compare(CHANGED, GRID).count == 1
    assert (mismatch.actual, mismatch.expected) == ("6.5", "6.0")


def test_the_message_names_policy_path_and_values() -> None:
    assert str(compare({"a": 1.5}, {"a": 1.0})) == (
        "different by exact() at ['a']\n\n"
        "  path     expected    actual    difference\n"
        "  ['a']    1.0         1.5       +50 %, 2.3e15 ulp"
    )


def test_differing_elements_are_found_in_every_block() -> None:
    expected = np.zeros(400_000)
    actual = expected.copy()
    actual[[5, 200_000, 399_999]] = 1
    (mismatch,) = compare(actual, expected).mismatches
    assert mismatch.indices == ("[5]", "[200000]", "[399999]")
    assert (mismatch.differing, mismatch.size, mismatch.at) == (3, 400_000, "[5]")
    assert mismatch.array == "float64, shape (400000,)"
    strided = np.zeros((400_000, 2))[:, 0]
    assert compare(strided, expected)
    assert compare(actual, strided).count == 1
