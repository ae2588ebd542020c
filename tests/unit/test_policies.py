"""Policies as values, what they admit, what they refuse."""

from __future__ import annotations

import functools
import math
import pickle
from typing import Any

import numpy as np
import pytest

from pytest_parwork.equivalence import as_policy, close, compare, exact
from pytest_parwork.errors import UsageError
from pytest_parwork.model import Policy

NAN = float("nan")
INF = math.inf


def judge_nothing(actual: object, expected: object) -> None:
    """Find everything equal."""


def test_policies_are_printable_values() -> None:
    assert str(exact()) == repr(exact()) == "exact()"
    assert str(close(rtol=1e-7)) == repr(close(rtol=1e-7)) == "close(rtol=1e-07, atol=0.0)"
    assert close(rtol=1, atol=2) == close(rtol=1.0, atol=2.0) != close(rtol=1.0)
    assert len({exact(), exact(), close(rtol=1.0), close(rtol=1)}) == 2


@pytest.mark.parametrize("policy", [exact(), close(rtol=1e-3), as_policy(judge_nothing)])
def test_a_policy_travels(policy: Policy) -> None:
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


def test_close_counts_only_the_elements_that_it_refuses() -> None:
    actual, expected = np.array([1.0005, 2.0, 9.0]), np.array([1.0, 2.0, 3.0])
    mismatch = compare(actual, expected, close(rtol=1e-3)).mismatches[0]
    assert mismatch.path == "[2]"
    assert mismatch.difference.startswith("1 of 3 elements differ, at [2]; abs 6")


@pytest.mark.parametrize("name", ["rtol", "atol"])
@pytest.mark.parametrize("value", [-1, NAN, INF, "1e-3", None, True, 1j])
def test_close_refuses_what_is_no_tolerance(name: str, value: Any) -> None:
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
            raise AssertionError("they part at 0x7f0012345678")

    assert compare(1, 1, judge)
    assert compare(1, 2, judge).mismatches[0].difference == "they part at 0x…"


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


def test_a_function_that_answers_otherwise_is_an_error() -> None:
    with pytest.raises(UsageError) as caught:
        compare(1, 2, max)
    assert str(caught.value) == (
        "max returned 2 (int): "
        "a comparison must return True, False or None, or raise AssertionError"
    )


def test_a_function_that_raises_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"^math\.isclose raised TypeError\(.*\): a comparison "):
        compare("a", "b", math.isclose)


def test_the_name_of_a_function_has_no_address_and_an_end() -> None:
    class Wild:
        def __call__(self, actual: object, expected: object) -> bool:
            return True

    assert str(as_policy(Wild())).endswith("<locals>.Wild")
    assert "0x" not in str(as_policy(lambda actual, expected: True))
    assert len(str(as_policy(functools.partial(max, "x" * 999)))) <= 100


def test_a_policy_stays_as_it_is() -> None:
    policy = close(rtol=1e-3)
    assert as_policy(policy) is policy


@pytest.mark.parametrize("value", [3, "exact", None, {"a": 1}, [exact()]])
def test_what_is_no_policy_is_an_error(value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        as_policy(value)
    assert str(caught.value).endswith(
        " is no policy: give exact(), close(rtol=…), or a function f(actual, expected)"
    )


@pytest.mark.parametrize(("value", "call"), [(exact, "exact()"), (close, "close(rtol=1e-7)")])
def test_a_policy_that_was_not_called_is_an_error(value: Any, call: str) -> None:
    with pytest.raises(UsageError) as caught:
        as_policy(value)
    assert str(caught.value).endswith(f"makes a policy: call it, as in {call}")
