"""Policies as values, what they admit, and what they reject."""

from __future__ import annotations

import functools
import itertools
import math
import pickle
import re
import struct
from collections import ChainMap, OrderedDict
from typing import Any

import numpy as np
import pytest
from relation.classes import Bare, Hiding, Unending

from pytest_parwork.equivalence import (
    as_policy,
    close,
    compare,
    exact,
    reordered_sum,
    ulp,
    unordered,
)
from pytest_parwork.model.comparison import Policy
from pytest_parwork.model.errors import UsageError

NAN = float("nan")
INF = math.inf


def judge_nothing(actual: object, expected: object) -> None:
    """Return True for everything."""


class Judged:
    """A class with an equality of its own, and so without a digest."""

    def __init__(self, key: int) -> None:
        self.key = key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Judged) and self.key == other.key

    __hash__ = None  # type: ignore[assignment]


def test_policies_are_printable_values() -> None:
    assert str(exact()) == repr(exact()) == "exact()"
    assert str(close(rtol=1e-7)) == repr(close(rtol=1e-7)) == "close(rtol=1e-07, atol=0.0)"
    assert close(rtol=1, atol=2) == close(rtol=1.0, atol=2.0) != close(rtol=1.0)
    assert len({exact(), exact(), close(rtol=1.0), close(rtol=1)}) == 2


@pytest.mark.parametrize(
    "policy",
    [
        exact(),
        close(rtol=1e-3),
        ulp(2),
        reordered_sum([1.0]),
        unordered(),
        as_policy({"mean": ulp(2)}),
        as_policy(judge_nothing),
    ],
)
def test_a_policy_can_be_pickled(policy: Policy) -> None:
    assert pickle.loads(pickle.dumps(policy)) == policy


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (1.0005, 1.0),
        (100.05, 100.0),
        (-0.0, 0.0),
        (NAN, NAN),
        (INF, INF),
        (1.0005 + 1j, 1 + 1j),
        (complex(NAN, 1.0005), complex(NAN, 1)),
        (complex(INF, 1), complex(INF, 1)),
        ([{"a": 1.0005}], [{"a": 1.0}]),
        ({1.0005}, {1.0}),
        (np.float64(1.0005), np.float64(1)),
        (np.float32(1.0005), np.float32(1)),
        (np.complex64(1.0005), np.complex64(1)),
        (np.array([1.0005, NAN, INF]), np.array([1.0, NAN, INF])),
        (np.array([1.0005 + 1j, complex(NAN, 1)]), np.array([1 + 1j, complex(NAN, 1.0005)])),
        (np.array([1.0005], object), np.array([1.0], object)),
        (np.longdouble("1.0005"), np.longdouble(1)),
        (np.array([1e308]), np.array([1e308])),
        (complex(1e308, 1e308), complex(1e308, 1.0005e308)),
    ],
)
def test_close_admits_the_tolerance_between_floats(actual: object, expected: object) -> None:
    assert str(compare(actual, expected, close(rtol=1e-3))).startswith("equal by close(")


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (1.002, 1.0),
        (1e-300, 0.0),
        (1, 2),
        (1.0, 1),
        (NAN, 1.0),
        (INF, 1.0),
        (1.0, INF),
        (INF, -INF),
        (complex(INF, 1), complex(INF, 2)),
        ("a", "b"),
        (np.float64(1), 1.0),
        (np.array([1.0]), np.array([1.0], "f4")),
        (np.array([1.002]), np.array([1.0])),
        (np.array([1.0, INF]), np.array([1.0, -INF])),
        (np.array([complex(INF, 1)]), np.array([complex(INF, 2)])),
        (np.array([1000]), np.array([1001])),
        (np.array([-1e308]), np.array([1e308])),
        (np.float32(3e38), np.float32(-3e38)),
        (complex(1.7e308, 1.7e308), complex(1.6e308, 1.6e308)),
        (np.array([complex(1.7e308, 1.7e308)]), np.array([complex(1.6e308, 1.6e308)])),
        ({"a": 1.0}, {"b": 1.0}),
    ],
)
def test_close_admits_nothing_else(actual: object, expected: object) -> None:
    comparison = compare(actual, expected, close(rtol=1e-3))
    assert not comparison
    assert comparison.policy == "close(rtol=0.001, atol=0.0)"


def test_close_is_relative_to_the_expected_value() -> None:
    assert compare(1.0, 2.0, close(rtol=0.5))
    assert not compare(2.0, 1.0, close(rtol=0.5))
    assert compare(1e-9, 0.0, close(rtol=0, atol=1e-8))


def test_close_adds_the_relative_tolerance_and_the_absolute_one() -> None:
    assert compare(1.15, 1.0, close(rtol=0.1, atol=0.1))
    assert not compare(1.25, 1.0, close(rtol=0.1, atol=0.1))


def test_close_counts_only_the_elements_that_it_rejects() -> None:
    actual, expected = np.array([1.0005, 2.0, 9.0]), np.array([1.0, 2.0, 3.0])
    mismatch = compare(actual, expected, close(rtol=1e-3)).mismatches[0]
    assert mismatch.path == "[2]"
    assert mismatch.difference.startswith("1 of 3 elements differ, at [2]; abs 6")


@pytest.mark.parametrize("name", ["rtol", "atol"])
@pytest.mark.parametrize("value", [-1, NAN, INF, "1e-3", None, True, 1j])
def test_close_rejects_an_invalid_tolerance(name: str, value: Any) -> None:
    settings: dict[str, Any] = {"rtol": 0.1, name: value}
    with pytest.raises(UsageError) as caught:
        close(**settings)
    text = f"close({name}={value!r}): give a finite number, at least 0, as in rtol=1e-7"
    assert str(caught.value) == text


@pytest.mark.parametrize("answer", [True, None, np.True_])
def test_a_function_says_equal(answer: object) -> None:
    assert compare(1, 2, lambda actual, expected: answer)


@pytest.mark.parametrize("answer", [False, np.False_])
def test_a_function_says_different(answer: object) -> None:
    (mismatch,) = compare(1, 2, lambda actual, expected: answer).mismatches
    assert (mismatch.kind, mismatch.actual, mismatch.expected) == ("policy", "1", "2")


def test_a_function_that_asserts_gives_its_text() -> None:
    def judge(actual: int, expected: int) -> None:
        if actual != expected:
            raise AssertionError("they part at <A at 0x7f0012345678>, not 0x00c0ffee")

    assert compare(1, 1, judge)
    assert compare(1, 2, judge).mismatches[0].difference == (
        "they part at <A at 0x…>, not 0x00c0ffee"
    )


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (np.allclose, "numpy.allclose"),
        (np.testing.assert_array_almost_equal, "assert_array_almost_equal"),
        (functools.partial(np.testing.assert_allclose, rtol=1e-3), "assert_allclose, rtol=0.001)"),
    ],
)
def test_the_functions_of_numpy_are_policies(function: Any, name: str) -> None:
    expected = np.array([1.0, 2.0])
    assert compare(expected + 1e-9, expected, function)
    comparison = compare(expected + 1, expected, function)
    assert comparison.count == 1
    assert name in comparison.policy


def test_any_other_answer_of_a_function_is_an_error() -> None:
    with pytest.raises(UsageError) as caught:
        compare(1, 2, max)
    assert str(caught.value) == (
        "max returned 2 (int): "
        "a comparison must return True, False or None, or raise AssertionError"
    )


def test_a_function_that_raises_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"^math\.isclose raised TypeError\(.*\): a comparison "):
        compare("a", "b", math.isclose)


def test_the_name_of_a_function_is_bounded_and_has_no_address() -> None:
    class Wild:
        def __call__(self, actual: object, expected: object) -> bool:
            return True

    assert str(as_policy(Wild())).endswith("<locals>.Wild")
    assert "0x" not in str(as_policy(lambda actual, expected: True))
    assert len(str(as_policy(functools.partial(max, "x" * 999)))) <= 100


def test_a_policy_is_returned_unchanged() -> None:
    policy = close(rtol=1e-3)
    assert as_policy(policy) is policy


@pytest.mark.parametrize("value", [3, "exact", None, {1, 2}, [exact()]])
def test_any_other_value_as_a_policy_is_an_error(value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        as_policy(value)
    assert str(caught.value).endswith(
        " is not a policy: give exact(), ulp(…), close(rtol=…), unordered(), a function "
        "f(actual, expected), or {'key': policy}"
    )


@pytest.mark.parametrize(("value", "call"), [(exact, "exact()"), (close, "close(rtol=1e-7)")])
def test_a_policy_that_was_not_called_is_an_error(value: Any, call: str) -> None:
    with pytest.raises(UsageError) as caught:
        as_policy(value)
    assert str(caught.value).endswith(f"makes a policy: call it, as in {call}")


def step(value: Any, steps: int, towards: float = math.inf) -> Any:
    """Move some steps along the number line of the value's type."""
    for _ in range(steps):
        value = (math.nextafter if type(value) is float else np.nextafter)(
            value, type(value)(towards)
        )
    return value


FLOATS = [np.float16, np.float32, np.float64, np.longdouble]


@pytest.mark.parametrize("width", FLOATS)
@pytest.mark.parametrize("start", [1.0, -1.0, 0.0, 0.1, 1024.0, 6e-8])
def test_ulp_counts_steps_of_the_type_of_the_numbers(width: Any, start: float) -> None:
    number = width(start)
    assert compare(step(number, 3), number, ulp(3))
    comparison = compare(step(number, 4), number, ulp(3))
    assert comparison.classes == {"≤4 ulp": 1}
    assert comparison.mismatches[0].ulp == 4
    assert comparison.mismatches[0].difference.endswith("4 ulp; allowed 3 ulp")


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (step(1.0, 2), 1.0),
        (-0.0, 0.0),
        (5e-324, -5e-324),
        (complex(step(1.0, 2), -1.0), complex(1.0, step(-1.0, 2))),
        (complex(INF, step(1.0, 1)), complex(INF, 1.0)),
        (complex(NAN, 1.0), complex(NAN, 1.0)),
        (np.array([INF, NAN, 2.0, step(1.0, 2)]), np.array([INF, NAN, 2.0, 1.0])),
        (np.array([complex(INF, step(1.0, 1))]), np.array([complex(INF, 1.0)])),
        ({"a": [step(1.0, 1)]}, {"a": [1.0]}),
    ],
)
def test_ulp_admits_that_many_steps_at_any_depth(actual: object, expected: object) -> None:
    assert compare(actual, expected, ulp(2))


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (step(1.0, 3), 1.0),
        (INF, 1.7976931348623157e308),
        (NAN, 1.0),
        (1, 2),
        (1.0, 1),
        (complex(1.0, step(1.0, 3)), 1 + 1j),
        (complex(INF, 1.0), complex(INF, 1.1)),
        (np.array([INF]), np.array([-INF])),
        (np.array([complex(1, INF)]), np.array([complex(1, -INF)])),
        (np.array([step(np.float32(1), 3)]), np.array([np.float32(1)])),
    ],
)
def test_ulp_admits_nothing_else(actual: object, expected: object) -> None:
    assert not compare(actual, expected, ulp(2))


@pytest.mark.parametrize(
    ("actual", "expected"), [([5, 16], [0, 11]), ([5, 15, 25], [0, 10, 20]), ([0, 5], [5, 10])]
)
def test_elements_are_matched_so_that_all_have_a_partner(
    actual: list[int], expected: list[int]
) -> None:
    sides = ([step(1.0, n) for n in places] for places in (actual, expected))
    for pair in itertools.product(*map(itertools.permutations, sides)):
        left, right = (dict.fromkeys(side).keys() for side in pair)  # a set with an order
        assert compare(left, right, ulp(5))
        assert compare(left, right, ulp(6))
        assert not compare(left, right, ulp(4))
        assert not compare(left, {*right, 9.0}, ulp(5))


@pytest.mark.parametrize("steps", [-1, 1.5, "4", None, True, NAN])
def test_ulp_rejects_an_invalid_number_of_steps(steps: Any) -> None:
    with pytest.raises(UsageError, match=r"give a whole number, at least 0, as in ulp\(4\)"):
        ulp(steps)


def test_a_mismatch_of_floats_has_the_ulp_at_which_it_would_pass() -> None:
    (mismatch,) = compare(step(1.0, 3), 1.0).mismatches
    assert (mismatch.kind, mismatch.ulp) == ("≤4 ulp", 3)
    assert mismatch.absolute == pytest.approx(6.7e-16, rel=0.01)
    assert mismatch.relative == mismatch.absolute


def test_close_reports_the_allowed_distance() -> None:
    (mismatch,) = compare({"a": 1.5}, {"a": 1.0}, close(rtol=1e-3)).mismatches
    assert mismatch.difference == "+50 %, 2.3e15 ulp; off by 0.5, allowed 0.001"
    (mismatch,) = compare(np.array([1.5, 9.0]), np.array([1.0, 2.0]), close(rtol=0.1)).mismatches
    assert mismatch.difference.endswith("; off by 7, allowed 0.2 at [1]")


CANCELLING = [*np.random.default_rng(0).standard_normal(10_000) * 1e6, 1.0]


def test_a_reordered_sum_is_admitted_where_ulps_mislead() -> None:
    actual, expected = sum(sorted(CANCELLING)), sum(CANCELLING)
    comparison = compare(actual, expected)
    assert comparison.mismatches[0].ulp is not None
    assert comparison.mismatches[0].ulp > 1000
    assert compare(actual, expected, reordered_sum(CANCELLING))
    assert compare({"sum": actual}, {"sum": expected}, {"sum": reordered_sum(CANCELLING)})


def test_a_sum_that_lacks_a_term_is_not_admitted() -> None:
    policy = reordered_sum(CANCELLING)
    comparison = compare(sum(CANCELLING[:-1]), sum(CANCELLING), policy)
    assert not comparison
    assert "off by 1, allowed 0.018" in comparison.mismatches[0].difference


def test_the_bound_of_a_reordered_sum_is_that_of_the_type_of_the_sum() -> None:
    terms = np.ones(1001, "f4")
    policy = reordered_sum(terms)
    assert str(policy) == "reordered_sum(1001 terms, sum |x| = 1001)"
    assert compare(np.float32(1001.1), np.float32(1001), policy)  # 2 * 1000 * 2**-24 * 1001 = 0.12
    assert not compare(np.float32(1001.2), np.float32(1001), policy)
    assert not compare(1001.1, 1001.0, policy)
    comparison = compare(np.array([1001.2, 1], "f4"), np.array([1001, 2], "f4"), policy)
    assert comparison.mismatches[0].difference.endswith("; off by 1, allowed 0.12 at [1]")


def test_a_reordered_sum_of_complex_terms_is_bounded_by_their_moduli() -> None:
    policy = reordered_sum([3 + 4j, -3 - 4j])
    assert str(policy) == "reordered_sum(2 terms, sum |x| = 10)"
    assert compare(complex(1e-15, 1e-15), 0j, policy)
    assert not compare(complex(1e-14, 0), 0j, policy)


@pytest.mark.parametrize("terms", [[], [1.0, INF], [NAN], ["a"], 3, None])
def test_a_reordered_sum_needs_finite_terms(terms: Any) -> None:
    with pytest.raises(UsageError, match="give finite numbers as terms"):
        reordered_sum(terms)


def test_each_key_has_its_policy_and_the_others_are_exact() -> None:
    policy = {"mean": ulp(2), "text": str.__eq__}
    expected = {"mean": 1.0, "text": "a", "n": 3}
    assert compare({"mean": step(1.0, 2), "text": "a", "n": 3}, expected, policy)
    comparison = compare({"mean": step(1.0, 3), "text": "a", "n": 3.0}, expected, policy)
    assert [m.path for m in comparison.mismatches] == ["['mean']", "['n']"]
    assert comparison.classes == {"≤4 ulp": 1, "type": 1}
    assert comparison.policy == "{'mean': ulp(2), 'text': str.__eq__}"
    comparison = compare({"mean": {"a": 1.0, "b": 2.0}}, {"mean": {"a": 1.0}}, {"mean": exact()})
    assert [m.path for m in comparison.mismatches] == ["['mean']['b']"]


def test_policies_of_keys_nest() -> None:
    policy = {"a": {"b": close(rtol=0.1)}}
    assert compare({"a": {"b": 1.05}, "c": 1}, {"a": {"b": 1.0}, "c": 1}, policy)


def test_the_order_and_type_of_keys_with_a_policy_are_compared() -> None:
    policy = {"a": ulp(2)}
    actual, expected = OrderedDict(a=1.0, b=2), OrderedDict(b=2, a=1.0)
    assert compare(actual, expected, policy).classes == {"order-only": 1}
    comparison = compare({1: 1.0}, {True: 1.0}, {1: ulp(2)})
    assert comparison.classes == {"missing": 1, "extra": 1}


def test_a_comparison_does_not_change_the_values() -> None:
    actual, expected = {"a": 1.0, "b": [2]}, {"a": 2.0, "b": [2]}
    assert not compare(actual, expected, {"a": exact()})
    assert (actual, expected) == ({"a": 1.0, "b": [2]}, {"a": 2.0, "b": [2]})
    with pytest.raises(UsageError, match="is for a dict, but the value is"):
        compare(ChainMap({"a": 1.0}), ChainMap({"a": 1.0}), {"a": exact()})


def test_a_key_that_one_side_lacks_is_a_mismatch() -> None:
    comparison = compare({"n": 1}, {"n": 1, "mean": 1.0}, {"mean": ulp(2)})
    assert comparison.classes == {"missing": 1}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            {"n": 1},
            "compare= has a policy for 'mean', but the returned dict only has the keys: 'n'",
        ),
        (3, "compare={'mean': ulp(2)} is for a dict, but the value is 3 (int): return a dict"),
    ],
)
def test_a_policy_of_a_missing_key_is_an_error(value: object, text: str) -> None:
    with pytest.raises(UsageError, match=re.escape(text)):
        compare(value, value, {"mean": ulp(2)})


def test_an_empty_mapping_of_policies_is_an_error() -> None:
    with pytest.raises(UsageError, match=re.escape("compare={} is empty")):
        compare({}, {}, {})


def test_the_order_of_a_dict_is_a_note_and_a_difference_on_request() -> None:
    actual, expected = {"b": 1, "a": 2}, {"a": 2, "b": 1}
    comparison = compare([actual], [expected])
    assert comparison
    assert [(note.path, note.kind) for note in comparison.notes] == [("[0]", "dict-order")]
    assert comparison.notes[0].text == "keys in another order, 'b' in the place of 'a'"
    comparison = compare([actual], [expected], exact(dict_order=True))
    assert comparison.classes == {"order-only": 1}
    assert str(exact(dict_order=True)) == "exact(dict_order=True)"


OTHER_NAN = struct.unpack("<d", struct.pack("<Q", 0xFFF8_0000_0000_0001))[0]


@pytest.mark.parametrize(
    ("actual", "expected", "path"),
    [
        (NAN, OTHER_NAN, ""),
        ([NAN, 1], [OTHER_NAN, 1], "[0]"),
        ({"a": np.array([NAN, 1])}, {"a": np.array([OTHER_NAN, 1])}, "['a']"),
    ],
)
def test_nans_with_different_bits_are_a_note(actual: object, expected: object, path: str) -> None:
    comparison = compare(actual, expected)
    assert comparison
    assert [(note.path, note.kind) for note in comparison.notes] == [(path, "nan-payload")]
    assert not compare(actual, actual).notes


@pytest.mark.parametrize("dtype", ["f8", "i4", "u1", "c16", "U3", "f2", "M8[s]", "c8", "?"])
def test_an_array_in_another_order_is_a_class_of_its_own(dtype: str) -> None:
    expected = np.array([3, 1, 0, 1, 0]).astype(dtype)
    comparison = compare(expected[::-1], expected)
    assert comparison.classes == {"order-only": 1}
    assert "in another order" in comparison.mismatches[0].difference
    changed = expected[::-1].copy()
    changed[0] = expected[1]
    assert "order-only" not in compare(changed, expected).classes


def test_an_object_that_is_shared_on_one_side_only_is_a_note() -> None:
    one: list[int] = []
    several = [[], {"a": []}]
    shared = [one, {"a": one}]
    for actual, expected, text in (
        (shared, several, "one object in several places, expected one in each"),
        (several, shared, "an object of its own, expected one in several places"),
    ):
        comparison = compare(actual, expected)
        assert comparison
        (note,) = comparison.notes
        assert (note.path, note.kind, note.text) == ("[1]['a']", "identity", text)
    assert not compare(shared, pickle.loads(pickle.dumps(shared))).notes


@pytest.mark.parametrize(
    "items",
    [
        [1, 2],
        (3, 1, 2, 1),
        [NAN, 0.0, -0.0],
        [{"a": [1]}, {"a": [2]}, 3],
        [np.arange(3), np.arange(4)],
    ],
)
def test_a_sequence_in_another_order_is_one_mismatch(items: Any) -> None:
    comparison = compare({"x": items[::-1]}, {"x": items})
    assert comparison.classes == {"order-only": 1}
    assert comparison.count == 1
    (mismatch,) = comparison.mismatches
    assert mismatch.path == "['x']"
    assert mismatch.difference == f"the same {len(items)} items in another order"
    changed = type(items)([*items[::-1][:-1], "else"])
    assert "order-only" not in compare(changed, items).classes


def test_a_long_sequence_in_another_order_keeps_other_mismatches() -> None:
    items = list(range(300))
    comparison = compare([1, items[::-1], 2], [0, items, 3])
    assert comparison.classes == {"value": 2, "order-only": 1}
    assert [m.path for m in comparison.mismatches] == ["[0]", "[1]", "[2]"]


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ([3, 1, 2], [1, 2, 3]),
        ((1, 1, 2), (2, 1, 1)),
        ([{"a": [1]}, {"b": NAN}], [{"b": NAN}, {"a": [1]}]),
        (np.array([3.0, 1.0]), np.array([1.0, 3.0])),
        (np.array([[1, 2], [3, 4]]), np.array([[3, 4], [1, 2]])),
        (5, 5),
        ({1, 2}, {2, 1}),
        ([Judged(1), Judged(2)], [Judged(2), Judged(1)]),
    ],
)
def test_unordered_admits_items_in_any_order(actual: object, expected: object) -> None:
    assert compare(actual, expected, unordered())


@pytest.mark.parametrize(
    ("actual", "expected", "classes"),
    [
        ([1, 1, 2], [1, 2, 2], {"extra": 1, "missing": 1}),
        ([1, 2], [2, 1, 3], {"missing": 1}),
        ([1, True], [1, 1], {"extra": 1, "missing": 1}),
        ([0.0], [-0.0], {"extra": 1, "missing": 1}),
        ([1], (1,), {"type": 1}),
        (np.array([1, 2]), np.array([2.0, 1.0]), {"dtype": 1}),
        (np.array([[1, 2], [3, 4]]), np.array([[4, 3], [1, 2]]), {"extra": 1, "missing": 1}),
        ([[1, 2], [3]], [[3], [2, 1]], {"extra": 1, "missing": 1}),
        ([Judged(1), Judged(1)], [Judged(2), Judged(1)], {"extra": 1, "missing": 1}),
        (5, 6, {"value": 1}),
    ],
)
def test_unordered_admits_nothing_else(
    actual: object, expected: object, classes: dict[str, int]
) -> None:
    comparison = compare(actual, expected, unordered())
    assert not comparison
    assert comparison.classes == classes
    assert comparison.policy == "unordered()"


def test_unordered_compares_the_items_not_what_methods_return() -> None:
    for cls in (Hiding, Unending):
        assert not compare(cls([1]), cls([2]), unordered())
        assert compare(cls([1, 2]), cls([2, 1]), unordered())


def test_unordered_does_not_pair_items_that_are_too_deep() -> None:
    deep = [Judged(1)]
    for _ in range(400):
        deep = frozenset([Bare(deep=deep)])  # type: ignore[assignment]
    assert not compare([deep, 1], [2, deep], unordered())


def test_items_without_a_partner_are_named_by_their_place() -> None:
    comparison = compare(["a", "x"], ["b", "a"], unordered())
    told = [(m.path, m.actual, m.expected) for m in comparison.mismatches]
    assert told == [("[1]", "'x'", "nothing"), ("[0]", "nothing", "'b'")]


def test_unordered_compares_thousands_of_items_in_linear_time() -> None:
    items = [{"n": [n]} for n in range(20_000)]
    assert compare(items[::-1], items, unordered())
