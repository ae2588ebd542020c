"""The relation `exact` beyond single pairs: depth, cycles, shared parts, time limits."""

from __future__ import annotations

import copy
import functools
import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from relation.classes import Bare

from pytest_parwork.equivalence import compare, ulp, walk


def test_ten_thousand_nested_lists_are_compared() -> None:
    def nest(leaf: object) -> object:
        for _ in range(10_000):
            leaf = [leaf]
        return leaf

    assert compare(nest(1), nest(1))
    comparison = compare(nest(1), nest(2))
    assert comparison.count == 1
    assert len(comparison.mismatches[0].path) < 200


def test_a_long_chain_of_objects_is_compared() -> None:
    def chain(leaf: object) -> object:
        for _ in range(5000):
            leaf = Bare(next=leaf)
        return leaf

    assert compare(chain(1), chain(1))
    assert not compare(chain(1), chain(2))


def test_cycles_are_compared_once() -> None:
    def ring(leaf: object) -> list[object]:
        cycle: list[object] = [leaf]
        cycle.append({"back": cycle})
        return cycle

    assert compare(ring(1), ring(1))
    assert compare(ring(1), ring(2)).mismatches[0].path == "[0]"


def test_an_object_array_may_hold_itself() -> None:
    def ring() -> Any:
        cycle = np.empty(1, object)
        cycle[0] = cycle
        return cycle

    assert compare(ring(), ring())


def test_shared_parts_are_compared_once() -> None:
    def share(leaf: object) -> object:
        for _ in range(60):
            leaf = [leaf, leaf]
        return leaf

    assert compare(share([1]), share([1]))


def test_shared_and_separate_parts_are_the_same() -> None:
    part = [1]
    assert compare([part, part], [[1], [1]])


def test_an_endless_object_is_uncomparable() -> None:
    class Endless:
        def __getstate__(self) -> object:
            return {"next": Endless()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk, "DEPTH", 50)
        assert compare(Endless(), Endless()).mismatches[0].kind == "uncomparable"


def test_many_objects_in_a_set_are_compared_in_bounded_time() -> None:
    left, right = ({Bare(x=i) for i in range(20)} for _ in range(2))
    assert compare(left, right)
    assert compare(left, right | {Bare(x=20)}).count == 1


def connect(size: int, reach: int, *, weight: int = 0) -> list[Bare]:
    """Return objects that hold sets of one another, the last with another weight."""
    nodes = [Bare(name=i, weight=weight if i == size - 1 else 0) for i in range(size)]
    for i, node in enumerate(nodes):
        vars(node)["near"] = {nodes[(i + j) % size] for j in range(1, reach)}
    return nodes


@pytest.mark.parametrize(
    ("size", "reach"),
    [
        (2, 2),
        (8, 8),
        pytest.param(20, 3, marks=pytest.mark.sweep),
        pytest.param(12, 12, marks=pytest.mark.sweep),
        pytest.param(40, 3, marks=pytest.mark.sweep),
    ],
)
def test_objects_that_hold_sets_of_one_another_are_compared(size: int, reach: int) -> None:
    assert compare(connect(size, reach)[0], connect(size, reach)[0])
    assert not compare(connect(size, reach)[0], connect(size, reach, weight=1)[0])


def test_elements_that_take_too_long_to_match_do_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "Effort", functools.partial(walk.Effort, left=3))
    left, right = ({Bare(x=i) for i in range(20)} for _ in range(2))
    assert not compare(left, right, ulp(1))


def nest(wrap: Callable[[list[Any]], Any], depth: int, leaf: object) -> Any:
    value = wrap([leaf])
    for _ in range(depth):
        value = wrap([value])
    return value


def test_keys_that_only_hash_finds_equal_are_compared_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decide, calls = walk.Walk.decide, []

    def counting(*arguments: Any, **named: Any) -> bool:
        calls.append(arguments)
        return decide(*arguments, **named)

    monkeypatch.setattr(walk.Walk, "decide", counting)
    comparison = compare(nest(frozenset, 30, 1), nest(frozenset, 30, True), ulp(1))
    assert comparison.classes == {"missing": 1, "extra": 1}
    assert len(calls) < 100


def test_sets_in_sets_beyond_the_stack_are_uncomparable() -> None:
    left, right = (nest(frozenset, 500, 1) for _ in range(2))
    comparison = compare(left, right, ulp(1))
    assert comparison.classes == {"uncomparable": 1}
    assert "comparing raised RecursionError" in comparison.mismatches[0].difference


class Holder:
    """A class whose `==` returns the result of NumPy for an array inside."""

    def __init__(self, values: list[float]) -> None:
        self.values = np.array(values)

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, Holder)
        return self.values == other.values  # type: ignore[no-any-return]  # the point of it

    __hash__ = None  # type: ignore[assignment]  # as NumPy's


@pytest.mark.parametrize(("actual", "expected"), [([], [5.0]), ([5.0], [5.0, 5.0])])
def test_an_array_answer_does_not_hide_parts_that_broadcasting_dropped(
    actual: list[float], expected: list[float]
) -> None:
    assert not compare(Holder(actual), Holder(expected))
    assert compare(Holder(expected), Holder(expected))


class Always:
    """A class whose objects are all equal."""

    def __init__(self, weight: object) -> None:
        self.weight = weight

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


class Inherits(Always):
    pass


@pytest.mark.parametrize(
    ("actual", "expected", "path"),
    [
        (Always(1), Always(2), ""),
        (Inherits(1), Inherits(2), ""),
        ([Always(1)], [Always(2)], "[0]"),
        (Always({Always(1)}), Always({2}), ""),
        (Always(threading.Lock()), Always(threading.Lock()), ""),
    ],
)
def test_what_is_equal_by_its_own_word_alone_has_a_note(
    actual: object, expected: object, path: str
) -> None:
    comparison = compare(actual, expected)
    assert comparison
    assert [(n.path, n.kind, n.text) for n in comparison.notes] == [
        (path, "own-eq", "equal by Always.__eq__")
    ]


@pytest.mark.parametrize("value", [Always(1), Always([1, {"a": np.arange(3)}]), Fraction(1, 3)])
def test_what_has_the_same_state_has_none(value: object) -> None:
    assert compare(value, copy.deepcopy(value)).notes == ()


@pytest.mark.parametrize(
    "make",
    [lambda i: Bare(x=i), lambda i: (i, float("nan")), lambda i: frozenset({Bare(x=i)})],
    ids=["objects", "NaN inside", "sets of objects"],
)
def test_thousands_of_keys_that_hash_does_not_find_are_matched(make: Any) -> None:
    left, right = ({make(i): i for i in order} for order in (range(5000), reversed(range(5000))))
    assert compare(left, right)
    assert compare(set(left), set(right))
    del right[next(iter(right))]
    assert compare(left, right).classes == {"extra": 1}
