"""Properties of the relation for all values that hypothesis generates."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from relation.changing import change
from relation.strategies import DICTS, FEW, NEAR, VALUES

from pytest_parwork.equivalence import close, compare, exact, reordered_sum, ulp, unordered
from pytest_parwork.equivalence.digest import digest
from pytest_parwork.transport.pickling import dumps

#: The same values every day, so that no push fails by bad luck.
DAILY = settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
#: Other values in each sweep; a failure is shown with the way to repeat it.
SWEEP = settings(DAILY, max_examples=1000, derandomize=False, print_blob=True)

PROPERTIES: dict[str, Callable[[], None]] = {}


def holds_for(*strategies: Any) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Return the decorator of properties that must hold for values of these strategies."""

    def decorate(function: Callable[..., None]) -> Callable[[], None]:
        check: Callable[[Callable[..., None]], Callable[[], None]] = given(*strategies)
        PROPERTIES[function.__name__] = SWEEP(check(function))
        return DAILY(check(function))

    return decorate


def sent(value: object) -> Any:
    """Send a value as parwork does, large buffers outside of the pickle."""
    buffers: list[pickle.PickleBuffer] = []
    data = dumps(value, buffers)
    return pickle.loads(data, buffers=[bytearray(buffer.raw()) for buffer in buffers])


@holds_for(VALUES)
def test_a_value_equals_its_pickled_copy(value: object) -> None:
    arrived = sent(value)
    assert compare(arrived, value)
    assert compare(value, arrived)
    assert digest(arrived) == digest(value)


@holds_for(VALUES, VALUES)
def test_two_values_are_compared_both_ways_alike(left: object, right: object) -> None:
    comparison, mirrored = compare(left, right), compare(right, left)
    assert bool(comparison) == bool(mirrored)
    assert comparison.count == mirrored.count
    assert str(comparison).isprintable() or "\n" in str(comparison)


@holds_for(FEW, FEW)
def test_values_from_a_small_set_are_compared_both_ways_alike(left: object, right: object) -> None:
    assert bool(compare(left, right)) == bool(compare(right, left))


@holds_for(FEW, FEW, FEW)
def test_equality_is_transitive(one: object, other: object, third: object) -> None:
    if compare(one, other) and compare(other, third):
        assert compare(one, third)


@holds_for(VALUES | FEW, FEW)
def test_digests_are_the_same_exactly_if_values_are_equal(left: object, right: object) -> None:
    digests = digest(left), digest(right)
    if None not in digests:
        assert (digests[0] == digests[1]) == bool(compare(left, right))


@holds_for(VALUES, st.data())
def test_a_change_in_one_place_is_found_there(value: object, data: Any) -> None:
    changed, path = change(value, lambda n: data.draw(st.integers(0, n - 1)))
    comparison = compare(changed, sent(value))
    assert [mismatch.path for mismatch in comparison.mismatches] == [path]
    assert not compare(value, changed)
    if (found := digest(changed)) is not None:
        assert found != digest(value)


@holds_for(VALUES)
def test_equal_values_pass_every_policy(value: object) -> None:
    arrived = sent(value)
    policies = (ulp(0), close(rtol=0), reordered_sum([0.0]), unordered(), exact(dict_order=True))
    for policy in policies:
        assert compare(arrived, value, policy), policy


@holds_for(st.lists(VALUES, max_size=4), st.data())
def test_items_in_any_order_pass_unordered(items: list[Any], data: Any) -> None:
    shuffled = data.draw(st.permutations(items))
    assert compare(sent(shuffled), items, unordered())
    if items:
        changed, _ = change(items, lambda n: data.draw(st.integers(0, n - 1)))
        assert not compare(changed, shuffled, unordered())


@holds_for(NEAR, NEAR, st.integers(0, 12))
def test_values_within_a_tolerance_are_within_a_larger_one(
    left: object, right: object, steps: int
) -> None:
    assert compare(left, right, ulp(steps + 1)) or not compare(left, right, ulp(steps))
    near, nearer = close(rtol=(steps + 1) * 1e-16), close(rtol=steps * 1e-16)
    assert compare(left, right, near) or not compare(left, right, nearer)
    assert compare(left, right, ulp(0)) or not compare(left, right)


@holds_for(NEAR, NEAR, st.integers(0, 12))
def test_steps_are_counted_both_ways_alike(left: object, right: object, steps: int) -> None:
    assert bool(compare(left, right, ulp(steps))) == bool(compare(right, left, ulp(steps)))


@holds_for(DICTS, DICTS, st.data())
def test_exact_for_a_key_agrees_with_exact(
    left: dict[str, Any], right: dict[str, Any], data: Any
) -> None:
    key = data.draw(st.sampled_from(sorted(left)))
    for other in (right, change(left, lambda n: data.draw(st.integers(0, n - 1)))[0], sent(left)):
        whole, parts = compare(left, other), compare(left, other, {key: exact()})
        assert parts.classes == whole.classes
        assert {m.path for m in parts.mismatches} == {m.path for m in whole.mismatches}


@pytest.mark.sweep
@pytest.mark.parametrize("name", PROPERTIES)
def test_each_property_holds_for_many_more_values(name: str) -> None:
    PROPERTIES[name]()
