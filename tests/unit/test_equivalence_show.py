"""`show`: bounded, safe, one line."""

from __future__ import annotations

import dataclasses
import re
import threading
import time
from collections import OrderedDict, deque, namedtuple
from typing import Any

import numpy as np
import pytest

from pytest_parwork.equivalence import show
from pytest_parwork.equivalence.show import mask_addresses


class Wild:
    """A class whose `__repr__` does as given."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def __repr__(self) -> str:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[no-any-return]


class Plain:
    pass


@dataclasses.dataclass
class Model:
    weight: object


Row = namedtuple("Row", "x y")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (0.1, "0.1"),
        ("a", "'a'"),
        (None, "None"),
        ([1, [2]], "[1, [2]]"),
        ((1,), "(1,)"),
        ((), "()"),
        (set(), "set()"),
        ({2, 1}, "{1, 2}"),
        (frozenset({1}), "frozenset({1})"),
        ({"a": 1}, "{'a': 1}"),
        (list(range(100)), "[0, 1, 2, 3, 4, 5, … 100 in all]"),
        ([[[[1]]]], "[[[[…]]]]"),
        (deque([1]), "deque([1])"),
        (OrderedDict(a=1), "OrderedDict("),
        (Row(1, [2]), "Row(x=1, y=[2])"),
        (Model([0] * 9), "Model(weight=[0, 0, 0, 0, 0, 0, … 9 in all])"),
        (np.zeros((2, 2)), "array([0.0, 0.0, 0.0, 0.0], shape=(2, 2), dtype=float64)"),
        (np.array(["a"]), "shape=(1,), dtype=<U1)"),
        (
            np.zeros((100, 3)),
            "array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, …], shape=(100, 3), dtype=float64)",
        ),
        (Wild(ValueError("no")), "<test_equivalence_show.Wild, its repr raises ValueError>"),
        (Wild(3), "<test_equivalence_show.Wild, its repr raises TypeError>"),
        ([Wild(KeyError())], "[<test_equivalence_show.Wild, its repr raises KeyError>]"),
        (Wild("a\n   b"), "a b"),
        (Wild("\x1b[31m\x00"), "\\x1b[31m\\x00"),
        (Wild("<x at 0x7f00deadbeef y>"), "<x y>"),
        (Wild("<function <lambda> at 0x7f00deadbeef>"), "<function <lambda>>"),
        (Wild("<cell at 0x7f00dead: A object at 0x7f00beef>"), "<cell: A>"),
        (Wild("x 0x7f00deadbeef y"), "x 0x7f00deadbeef y"),
        (Wild("read at 0x7f00deadbeef"), "read at 0x7f00deadbeef"),
        (Plain(), "<test_equivalence_show.Plain>"),
    ],
)
def test_a_value_is_shown_in_one_line(value: object, text: str) -> None:
    assert text in show(value)


def test_a_huge_integer_is_shown_by_its_size() -> None:
    assert show(10**5000) == "<int of 16610 bits>"


def test_a_function_is_shown_without_its_address() -> None:
    assert re.fullmatch(r"<function test_\w+>", show(test_a_function_is_shown_without_its_address))


@pytest.mark.parametrize(
    "value", ["a" * 10**6, b"a" * 10**6, Wild("b" * 10**6), {"k" * 999: "v"}, [["x" * 99] * 9] * 9]
)
def test_a_text_is_bounded(value: object) -> None:
    assert len(show(value)) <= 120
    assert len(show(value, limit=20)) == 20
    assert show(value, limit=20).endswith("…")


def test_a_large_value_costs_little() -> None:
    values = [list(range(10**6)), dict.fromkeys(range(10**6)), set(range(10**6)), np.zeros(10**7)]
    start = time.thread_time()
    for value in values:
        show(value)
    assert time.thread_time() - start < 0.5


def test_an_array_that_contains_itself_is_shown_in_one_line() -> None:
    ring = np.empty(2, object)
    ring[:] = ring, [ring]
    assert len(show(ring)) == 120
    assert show([[[ring]]]) == "[[[array([…], shape=(2,), dtype=object)]]]"


def test_a_deep_value_costs_no_stack() -> None:
    deep: list[object] = []
    for _ in range(10_000):
        deep = [deep]
    assert show(deep) == "[[[[…]]]]"


@pytest.mark.parametrize("name", [None, "mine"])
def test_the_numbers_of_threads_are_masked_in_texts(name: str | None) -> None:
    found = []
    for _ in range(2):
        stop = threading.Event()
        thread = threading.Thread(target=stop.wait, name=name, daemon=True)
        thread.start()
        texts = [repr(thread), f"left: [{thread!r}]"]
        stop.set()
        thread.join()
        found.append([mask_addresses(text) for text in (*texts, repr(thread))])
    assert found[0] == found[1]
    assert str(threading.get_ident()) not in mask_addresses(repr(threading.current_thread()))
    assert (
        mask_addresses("<Job(Thread-7, started 12 times)>") == "<Job(Thread-7, started 12 times)>"
    )
