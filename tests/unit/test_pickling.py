"""The serialisation of values: what pickle and cloudpickle drop is sent as well."""

from __future__ import annotations

import enum
import functools
import itertools
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from pytest_parwork.equivalence import compare
from pytest_parwork.equivalence.digest import digest
from pytest_parwork.machine.deadline import TimedOut, deadline
from pytest_parwork.transport import pickling
from pytest_parwork.transport.pickling import dumps, name_class_by_value
from pytest_parwork.worker.copies import copied


def loads(value: object, *, is_result: bool = True) -> Any:
    buffers: list[pickle.PickleBuffer] = []
    data = dumps(value, buffers, is_result=is_result)
    return pickle.loads(data, buffers=[bytearray(buffer.raw()) for buffer in buffers])


def mask(*, is_hard: bool, size: int = 2) -> Any:
    return np.ma.masked_array(np.zeros(size), [True] + [False] * (size - 1), hard_mask=is_hard)


@pytest.mark.parametrize(
    "wrap", [lambda a: a, lambda a: [a], lambda a: {"a": (a, 3)}, lambda a: lambda: a]
)
@pytest.mark.parametrize("size", [2, 100_000])
def test_a_hard_mask_is_sent_and_compared(wrap: Callable[[Any], Any], size: int) -> None:
    hard, soft = (wrap(mask(is_hard=is_hard, size=size)) for is_hard in (True, False))
    for side in (hard, soft):
        assert compare(loads(side), side)
        assert digest(loads(side)) == digest(side)
    for comparison in (compare(hard, soft), compare(loads(soft), loads(hard))):
        assert [found.path.rpartition(".")[2] for found in comparison.mismatches] == ["hardmask"]
    assert digest(hard) != digest(soft)


def test_the_hard_mask_of_a_structured_array_is_sent() -> None:
    array: Any = np.ma.masked_array(np.zeros(2, [("x", "f8")]), [True, False], hard_mask=True)
    assert loads(array).hardmask
    assert compare(loads(array), array)


def test_the_fill_value_of_an_array_is_not_set_by_a_comparison() -> None:
    array = mask(is_hard=False)
    assert compare(array, loads(array))
    assert digest(array) == digest(loads(array))
    assert array._fill_value is None


def make_local() -> Any:
    class Local:
        __slots__ = ("__hidden", "x")

        def __init__(self) -> None:
            self.x, self.__hidden = 1, 2

        def read(self) -> object:
            return self.x, self.__hidden

    return Local


def test_a_class_sent_by_value_keeps_its_qualified_name_and_slots() -> None:
    cls = make_local()
    arrived = loads(cls())
    assert type(arrived) is not cls
    assert type(arrived).__qualname__ == "make_local.<locals>.Local"
    assert not hasattr(arrived, "__dict__")
    assert arrived.read() == (1, 2)
    assert compare(arrived, cls())


def test_aliases_of_an_enum_sent_by_value_are_kept() -> None:
    class Local(enum.Flag):
        A = 1
        B = 2
        BOTH = 3
        SAME = 1

    arrived = loads(Local.SAME)
    assert list(type(arrived).__members__) == ["A", "B", "BOTH", "SAME"]
    assert type(arrived).SAME is arrived
    assert compare(arrived, Local.A)
    assert compare(loads(Local.BOTH), Local.BOTH)


def test_a_class_that_comes_back_does_not_replace_the_class_that_was_sent() -> None:
    cls = type("Model", (), {"weights": 1})
    there = loads(cls, is_result=False)
    assert there is cls  # in a worker: the same class for all that is sent to it
    data = dumps(cls, is_result=True)
    cls.weights = 2
    arrived = pickle.loads(data)
    assert (arrived.weights, cls.weights) == (1, 2)
    (mismatch,) = compare(arrived, cls).mismatches
    assert (mismatch.path, mismatch.actual, mismatch.expected) == (".weights", "1", "2")


def test_what_is_missing_in_a_class_sent_by_value_is_explained() -> None:
    left, right = type("Model", (), {}), type("Model", (), {"weights": 1})
    (mismatch,) = compare(left(), right()).mismatches
    assert (mismatch.path, mismatch.kind) == (".__class__.weights", "missing")
    assert mismatch.difference == (
        f"{__name__}.Model cannot be imported by name; where it was sent from another process, "
        "cloudpickle may have dropped this: define the class at module level"
    )


class Tagged:
    def __init_subclass__(cls, *, tag: str) -> None:
        cls.tag = tag  # type: ignore[attr-defined]


def test_a_class_that_cannot_be_made_again_is_named() -> None:
    class Local(Tagged, tag="a"):
        pass

    data = dumps(Local(), is_result=True)
    with pytest.raises(TypeError, match="tag") as caught:
        pickle.loads(data)
    assert name_class_by_value(caught.value) == "Local"
    assert name_class_by_value(ValueError("no")) == ""


MODULES = """
import sys
from pytest_parwork.transport.pickling import dumps
dumps([1, {"a": "b"}])
print(sorted({"numpy", "cloudpickle"} & set(sys.modules)))
"""


def test_a_plain_value_needs_neither_numpy_nor_cloudpickle() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MODULES], capture_output=True, text=True, check=True, timeout=50
    )
    assert done.stdout == "[]\n"


class Long(list[int]):
    """A list whose elements, of which there are very many, are made in C."""

    made = itertools.count()

    def __iter__(self) -> Iterator[int]:
        return itertools.islice(self.made, 30_000_000)


@pytest.mark.parametrize(
    "serialise", [functools.partial(dumps, is_interruptible=True), copied], ids=["sent", "copied"]
)
def test_a_deadline_ends_the_serialisation_of_elements_made_in_c(
    serialise: Callable[[object], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Long, "made", itertools.count())
    with pytest.raises(TimedOut), deadline(0.05):
        serialise(Long())
    assert 0 < next(Long.made) < 30_000_000


class TestTheNameOfMain:
    """`__main__` is pytest here, and another module in a worker."""

    @pytest.mark.parametrize("value", [r"__main__\Z", ("a", "at __main__.py"), b"__main__"])
    def test_in_a_text_needs_no_cloudpickle(
        self, value: object, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delattr(pickling, "by_value")
        assert loads([value]) == [value]

    def test_as_that_of_a_module_has_its_classes_sent_by_value(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = type("Made", (), {"__module__": "__main__"})
        monkeypatch.setattr(sys.modules["__main__"], "Made", made, raising=False)
        for value in (made(), ["__main__", made], {"a text with __main__": made()}):
            data = dumps(value, is_result=True)
            monkeypatch.delattr(sys.modules["__main__"], "Made")
            assert pickle.loads(data)
            monkeypatch.setattr(sys.modules["__main__"], "Made", made, raising=False)
