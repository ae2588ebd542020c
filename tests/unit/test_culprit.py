"""The part of a value that cannot be pickled: named as in code, and found in bounded time."""

from __future__ import annotations

import dataclasses
import sys
import threading
import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import parwork_tasks as tasks
import pytest

from pytest_parwork.transport.culprit import explain, unsendable_result
from pytest_parwork.transport.pickling import dumps

LOCK = threading.Lock()
WHY = "is a _thread.lock: cannot pickle '_thread.lock' object"


class Node:
    """An object that may refer to any others."""

    def __init__(self, **parts: object) -> None:
        self.__dict__.update(parts)


class Items(list[object]):
    """A list with attributes."""


@dataclasses.dataclass(slots=True)
class Pair:
    first: object
    second: object


class Costly:
    """Takes long to be pickled."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __getstate__(self) -> dict[str, object]:
        time.sleep(self.seconds)
        return self.__dict__


class Endless:
    def __getstate__(self) -> object:
        while True:
            pass


class Reduced:
    """Fails on an object that is not a part of it."""

    def __init__(self, part: object) -> None:
        self.part = part

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Reduced, (self.part, threading.Lock())


class Broken:
    """Fails after its items were pickled."""

    def __init__(self, *items: object) -> None:
        self.items = items

    def __reduce__(self) -> tuple[Any, ...]:
        def broken() -> Iterator[object]:
            yield from self.items
            raise ValueError("the items broke")

        return Broken, (), None, broken()


class Wordless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class RaisesWordless:
    def __reduce__(self) -> str:
        raise Wordless


def why(value: object) -> str:
    """Explain as the package does: with the exception of `dumps`."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011, any
        dumps(value)
    return explain(value, caught.value)


def chain(depth: int) -> object:
    value: object = LOCK
    for _ in range(depth):
        value = Node(next=value)
    return value


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"k": [1, Node(lock=LOCK)]}, "['k'][1].lock"),
        ({(1, LOCK): 2}, ".<key>[1]"),
        ({1, LOCK}, ".<item>"),
        (frozenset([LOCK]), ".<item>"),
        (deque([1, LOCK]), "[1]"),
        (OrderedDict(a=1, b=LOCK), "['b']"),
        (defaultdict(lambda: LOCK, {1: LOCK}), "[1]"),
        (Pair(1, Pair(2, LOCK)), ".second.second"),
        (np.array([1, "two", LOCK], dtype=object), "[2]"),
        (np.array([[1], [LOCK]], dtype=object), ".flat[1]"),
        (Node(array=np.array([Node(lock=LOCK)], dtype=object)), ".array[0].lock"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_part_is_named_as_in_code(value: object, path: str) -> None:
    assert why(value) == f"{path} {WHY}"


def test_the_attributes_of_a_container_are_parts_too() -> None:
    items = Items([1])
    items.lock = LOCK  # type: ignore[attr-defined]
    assert why(items) == f".lock {WHY}"


def test_a_sibling_that_is_pickled_in_between_is_not_blamed() -> None:
    second = Node(x=1)
    assert why([Node(other=second, lock=LOCK), second]) == f"[0].lock {WHY}"


def test_a_value_that_fails_on_an_object_that_is_not_its_part_is_named_itself() -> None:
    found = why(Node(before=1, reduced=[Reduced([1]), [2]], after=Node()))
    assert found.startswith(".reduced[0] is a test_culprit.Reduced: cannot pickle '_thread.lock'")


def test_a_value_that_fails_after_its_parts_is_named_itself() -> None:
    text = why([Node(), Broken(Node(), Node())])
    assert text == "[1] is a test_culprit.Broken: the items broke"


def test_an_error_without_a_text_is_named_by_its_class() -> None:
    assert why([RaisesWordless()]) == "[0] is a test_culprit.RaisesWordless: Wordless"


def test_values_that_refer_to_themselves_are_searched_once() -> None:
    node = Node(lock=LOCK)
    node.__dict__.update(myself=node, all=[node])
    items: list[object] = [node]
    items.append(items)
    assert why(items) == f"[0].lock {WHY}"


def test_a_long_path_is_shortened() -> None:
    text = why(chain(150))
    assert text.endswith(WHY)
    assert text.startswith(".next.next")
    assert "…" in text
    assert len(text) < 300


def test_a_value_that_is_nested_too_deeply_is_explained() -> None:
    assert why(chain(5_000)).startswith(".next.next")
    value: object = 1
    for _ in range(100_000):
        value = [value]
    assert "recursion" in explain(value, RecursionError("recursion"))


class TestInABoundedTime:
    """Each of these took 20 s or more while each part was pickled on its own."""

    @staticmethod
    def explained(value: object) -> str:
        with pytest.raises(BaseException) as caught:  # noqa: PT011, any
            dumps(value)
        began = time.perf_counter()
        text = explain(value, caught.value)
        assert time.perf_counter() - began < 15
        return text

    def test_objects_that_share_what_they_refer_to(self) -> None:
        shared = [Node(number=number) for number in range(20_000)]
        nodes = [Node(shared=shared, number=number) for number in range(20_000)]
        assert self.explained([*nodes, LOCK]) == f"[20000] {WHY}"

    def test_objects_of_a_class_that_is_sent_itself(self) -> None:
        class Local:
            def __init__(self, part: object) -> None:
                self.part = part

        values = [Local(number) for number in range(20_000)]
        assert self.explained([*values, Local(LOCK)]) == f"[20000].part {WHY}"

    def test_a_wide_dictionary(self) -> None:
        values: dict[str, object] = {f"key {n}": Node(number=n) for n in range(20_000)}
        values["lock"] = Node(of=LOCK)
        assert self.explained(values) == f"['lock'].of {WHY}"

    def test_lists_that_each_hold_the_next_and_many_others(self) -> None:
        value: object = LOCK
        for _ in range(100):
            value = [value, *(Node(number=number) for number in range(500))]
        assert self.explained([*([Node()] * 1000), value]).endswith(WHY)

    def test_a_part_that_no_path_leads_to_among_many(self) -> None:
        values = [Node(number=number) for number in range(5_000)]
        text = self.explained([*values, Node(of=Reduced(values))])
        assert text.startswith("[5000].of is a test_culprit.Reduced")

    def test_objects_that_take_long_to_be_pickled(self) -> None:
        text = explain([*(Costly(0.05) for _ in range(1_000)), LOCK], TypeError("no"), seconds=0.3)
        assert text == "it is a list: no (the search for the part at fault took longer than 0.3 s)"

    def test_an_object_whose_pickling_has_no_end(self) -> None:
        text = explain([1, Endless()], TypeError("no"), seconds=0.3)
        assert text == "it is a list: no (the search for the part at fault took longer than 0.3 s)"

    def test_more_objects_than_are_remembered(self) -> None:
        text = self.explained([*([number] for number in range(600_000)), LOCK])
        assert text.endswith("(the part at fault is not among the first 500,000 objects)")

    def test_in_a_thread_too(self) -> None:
        texts: list[str] = []
        value = [*(Costly(0.05) for _ in range(1_000)), LOCK]

        def search() -> None:
            texts.append(explain(value, TypeError("no"), seconds=0.3))

        thread = threading.Thread(target=search)
        thread.start()
        thread.join(timeout=40)
        assert texts == [
            "it is a list: no (the search for the part at fault took longer than 0.3 s)"
        ]


def test_a_value_that_can_be_pickled_the_second_time_is_explained_by_its_first_error() -> None:
    assert explain([tasks.identity], TypeError("once")) == "it is a list: once"


def test_a_result_is_explained_even_where_a_task_has_made_imports_impossible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    value = (n for n in range(3))
    error = TypeError("cannot pickle 'generator' object")
    assert unsendable_result(value, error).remedy
    monkeypatch.setitem(sys.modules, "pytest_parwork.equivalence.opaque", None)
    found = unsendable_result(value, error)
    assert found.remedy == ""
    assert "generator" in found.detail


@pytest.mark.parametrize("error", [TypeError, RuntimeError])
def test_a_part_whose_metaclass_has_no_hash_is_named(error: type[Exception]) -> None:
    class Hashless(type):
        def __hash__(cls) -> int:
            raise error("no hash")

    class Part(metaclass=Hashless):
        def __init__(self) -> None:
            self.lock = LOCK

    text = explain({"a": [1, Part()]}, error("no hash"))
    assert text == f"['a'][1] is a {__name__}.{Part.__qualname__}: no hash"
