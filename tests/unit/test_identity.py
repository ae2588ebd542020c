"""Which arguments arrive as themselves, and that everything that a case can change is a copy."""

from __future__ import annotations

import copy
import datetime
import enum
import functools
import math
import pickle
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple
from unittest import mock

import attrs
import click
import numpy as np
import pandas as pd
import pytest
from xarray.core.dtypes import NA

from pytest_parwork.model.work import Address, Task
from pytest_parwork.transport.held import MadeOnce, load_sent, make_empty
from pytest_parwork.transport.identity import Identities
from pytest_parwork.transport.pickling import dumps
from pytest_parwork.transport.sameness import are_same
from pytest_parwork.worker.copies import Copies
from pytest_parwork.worker.fixtures.recipe import Step


class Empty:
    pass


class EmptySlots:
    __slots__ = ()


class Marker:
    """A sentinel that knows its own name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}>"


class Value:
    """Has equality and hash, as only immutable objects may have."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __eq__(self, other: object) -> bool:
        return type(other) is Value and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class Unit(Value):
    """The same, with a private list."""

    __slots__ = ("_names",)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._names = [text]


class Node(Value):
    """Has a hash, and a public list that a case can change."""

    __slots__ = ("children",)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.children: list[object] = []


class Hashed:
    """Is compared element by element, as arrays are, and has its identity as hash."""

    def __init__(self) -> None:
        self._parts = [1]

    def __eq__(self, other: object) -> Any:
        return [True]

    def __hash__(self) -> int:
        return id(self)


class Growing(Value):
    """Has a hash, and an operator that changes it."""

    def __iadd__(self, other: str) -> Growing:
        self._text += other
        return self


class Counter:
    def __init__(self) -> None:
        self.count = 0


@dataclass(frozen=True)
class Frozen:
    shape: tuple[int, ...]
    kind: type = int


@dataclass(unsafe_hash=False)
class Record:
    name: str


@dataclass(frozen=True)
class HoldsList:
    parts: list[int]


class Texts(list[str]):
    pass


class Point(NamedTuple):
    x: int
    y: object


class Outer:
    INNER = object()


BARE = object()
EMPTY = Empty()
EMPTY_SLOTS = EmptySlots()
MISSING = Marker("<MISSING>")
_not_set = Marker("not set")
VALUE = Value("value")
UNIT = Unit("m")
FROZEN = Frozen((1, 2))
UNNAMED = type("OtherName", (), {})()
LAMBDA = lambda: None  # noqa: E731
OtherClass = type("Class", (), {})

ANN = Marker("bob")
NODE = Node("root")
HASHED = Hashed()
GROWING = Growing("a")
COUNTER = Counter()
RECORD = Record("record")
HOLDS_LIST = HoldsList([1])
ITEMS = [1]
TABLE = {"a": 1}
TEXTS = Texts(["a"])
ARRAY = np.arange(3)
MASKED: Any = np.ma.masked_array([1], [True])
FRAME = pd.DataFrame({"a": [1]})
SERIES = pd.Series([1])
NAMESPACE = SimpleNamespace(name="namespace")
PARTIAL = partial(print, 1)
TEXT = "<no value>"
BYTES = b"<no value>"
PAIR = ("<no value>", 1)
LETTERS = frozenset("ab")
POINT = Point(1, PAIR)
OPEN_POINT = Point(1, [1])
OPEN_PAIR = (1, [1])
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
PRICE = Decimal("1.50")
PATTERN = re.compile("a+b")
ALIAS = list[int]
DIGITS = range(10)
HERE = Path("here")
TIMESTAMP = pd.Timestamp("2020-01-01")

THEMSELVES: dict[str, object] = {
    "bare": BARE,
    "empty": EMPTY,
    "empty slots": EMPTY_SLOTS,
    "marker": MISSING,
    "marker of two words": _not_set,
    "value": VALUE,
    "private list": UNIT,
    "frozen dataclass": FROZEN,
    "class without a name": UNNAMED,
    "in a class": Outer.INNER,
    "click": click.STRING,
    "click's other": click.UNPROCESSED,
    "attrs": attrs.setters.NO_OP,
    "attrs' nothing": attrs.NOTHING,
    "xarray": NA,
    "mock.ANY": mock.ANY,
    "lambda": LAMBDA,
    "class of another name": OtherClass,
    "nan": np.nan,
    "math.nan": math.nan,
    "infinity": math.inf,
    "text": TEXT,
    "text that looks like a name": "python_like",
    "bytes": BYTES,
    "tuple": PAIR,
    "frozenset": LETTERS,
    "named tuple": POINT,
    "date": EPOCH,
    "number": PRICE,
    "pattern": PATTERN,
    "alias": ALIAS,
    "range": DIGITS,
    "path": HERE,
    "timestamp": TIMESTAMP,
}

COPIED: dict[str, object] = {
    "state": COUNTER,
    "another name": ANN,
    "public list": NODE,
    "hash of identity": HASHED,
    "operator": GROWING,
    "dataclass": RECORD,
    "frozen, with a list": HOLDS_LIST,
    "list": ITEMS,
    "dict": TABLE,
    "subclass": TEXTS,
    "array": ARRAY,
    "masked array": MASKED,
    "frame": FRAME,
    "series": SERIES,
    "namespace": NAMESPACE,
    "partial": PARTIAL,
    "tuple with a list": OPEN_PAIR,
    "named tuple with a list": OPEN_POINT,
}


def by_process(*values: object) -> tuple[Any, ...]:
    """Return the values as they are in a worker that has imported the same modules."""
    identities = Identities()
    return tuple(load_sent(dumps(value, themselves=identities)) for value in values)


def by_thread(*values: object) -> tuple[Any, ...]:
    (arguments,) = Copies.of([Task(id="", function=print, args=values)]).arguments
    return arguments[0]


WAYS = pytest.mark.parametrize("way", [by_process, by_thread])
Way = Callable[..., tuple[Any, ...]]


@WAYS
@pytest.mark.parametrize("value", THEMSELVES.values(), ids=THEMSELVES)
def test_it_arrives_as_itself_alone_and_inside_of_others(way: Way, value: object) -> None:
    alone, inside, twice = way(value, {"a": [value, ({1: value},)]}, (value, value))
    assert alone is value
    assert inside["a"][0] is value
    assert inside["a"][1][0][1] is value
    assert twice[0] is twice[1] is value


@WAYS
@pytest.mark.parametrize("value", COPIED.values(), ids=COPIED)
def test_what_a_case_can_change_is_a_copy_whoever_holds_it(way: Way, value: object) -> None:
    alone, inside = way(value, [value, value])
    assert type(alone) is type(value)
    assert alone is not value
    assert inside[0] is not value
    assert inside[0] is inside[1]


def test_no_other_nan_becomes_that_of_numpy() -> None:
    own = float("nan")
    for way in (by_process, by_thread):
        (found,) = way([own, np.nan, "G\x7f\xf8 nan"])
        assert math.isnan(found[0])
        assert found[0] is not np.nan
        assert found[1] is np.nan


def test_containers_with_nans_keep_their_inner_sharing() -> None:
    inner: list[object] = [np.nan]
    inner.append(inner)
    for way in (by_process, by_thread):
        (found,) = way({"a": inner, "b": (inner, np.nan)})
        assert found["a"] is found["b"][0] is found["a"][1]
        assert found["a"] is not inner
        assert inner[0] is np.nan


def test_a_value_that_changed_here_after_its_import_is_sent_with_its_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = dumps(VALUE, themselves=Identities())
    monkeypatch.setattr(VALUE, "_text", "of the worker")
    found = load_sent(data)
    assert found is not VALUE
    assert found == Value("value")


def test_another_object_under_the_name_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dumps([BARE, EMPTY], themselves=Identities())
    monkeypatch.setitem(globals(), "BARE", "of the worker")
    monkeypatch.delitem(globals(), "EMPTY")
    bare, empty = load_sent(data)
    assert type(bare) is object
    assert type(empty) is Empty


def test_an_object_that_no_module_holds_is_itself_in_threads_and_new_in_processes() -> None:
    local = Empty()
    assert by_thread([local, local])[0][1] is local
    (found,) = by_process([local, local])
    assert type(found[0]) is Empty
    assert found[0] is found[1] is not local


def test_it_is_itself_beside_arguments_that_cannot_be_pickled() -> None:
    lock = threading.Lock()
    holding = SimpleNamespace(lock=lock, part=[BARE])
    for others in ([lambda: 1], [lock], [holding, lock]):
        found = by_thread([BARE, EMPTY], BARE, np.nan, *others)
        assert found[0][0] is found[1] is BARE
        assert found[0][1] is EMPTY
        assert found[2] is np.nan


def test_what_threads_have_set_on_an_object_without_attributes_is_removed() -> None:
    local = Empty()
    copies = Copies.of([Task(id="", function=print, args=(local, EMPTY_SLOTS, BARE))])
    vars(local)["added"] = 1
    copies.restore()
    assert vars(local) == {}


def test_modules_are_not_searched_for_what_is_copied_anyway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def search() -> None:
        pytest.fail("the search takes as long as two thousand trivial cases")

    monkeypatch.setattr("pytest_parwork.transport.identity.places", search)
    step = Step(key="a", name="a", maker=Address(module="m", attribute="a"))
    for value in (COUNTER, NODE, RECORD, ARRAY, ITEMS, step, step.maker, {"a": (1, "b")}):
        for way in (by_process, by_thread):
            way(value)


def test_values_that_only_look_alike_keep_their_ways() -> None:
    for value in (Path("a"), Fraction(1, 3), re.compile("a"), np.float64(1.5), np.dtype("f4")):
        assert by_process(value) == by_thread(value) == (value,)
    assert copy.deepcopy(MISSING) is not MISSING


class Unanswering(type):
    """Makes classes that raise whatever they are asked for, their hash included."""

    def __getattribute__(cls, name: str) -> Any:
        raise RuntimeError(name)

    def __hash__(cls) -> int:
        raise RuntimeError("hash")

    def __eq__(cls, other: object) -> bool:
        raise RuntimeError("equality")


class Unanswered(metaclass=Unanswering):
    """One of them; its instances raise, too."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


class Lazy(ModuleType):
    """Raises where its import would begin."""

    def __getattribute__(self, name: str) -> Any:
        raise ImportError(name)


@pytest.mark.parametrize("value", [Empty(), BARE, Outer.INNER], ids=["new", "held", "in a class"])
def test_what_other_modules_hold_is_not_asked_for_anything(
    monkeypatch: pytest.MonkeyPatch, value: object
) -> None:
    monkeypatch.setitem(sys.modules, "lazy", Lazy("lazy"))
    monkeypatch.setitem(sys.modules, "no_module", object.__new__(Unanswered))
    holder = ModuleType("holder")
    names: dict[str, Any] = {}
    exec("Homeless = type('Homeless', (), {})", names)
    assert "__module__" not in vars(names["Homeless"])
    vars(holder).update(names, cls=Unanswered, one=object.__new__(Unanswered))
    monkeypatch.setitem(sys.modules, "holder", holder)
    (found,) = by_process([value, value])
    assert found[0] is found[1]
    assert type(found[0]) is type(value)


def test_an_object_that_no_module_holds_is_one_for_all_arguments_of_a_call_in_processes() -> None:
    local, other = Empty(), object()
    sent = [dumps(value, themselves=Identities()) for value in (local, other, [(local, other)])]
    calls = []
    for _ in range(2):
        with MadeOnce():
            calls.append([load_sent(data) for data in sent])
    for first, second, ((in_list, beside),) in calls:
        assert in_list is first
        assert beside is second
        assert first is not second
    assert calls[0][0] is not calls[1][0], "a case may set attributes of its own"


class Computing:
    """A value that keeps what it has computed."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._known: int | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Computing) and self.number == other.number

    def __hash__(self) -> int:
        return hash(("computing", self.number))

    def double(self) -> int:
        self._known = 2 * self.number
        return self._known


COMPUTING = Computing(3)


def test_a_value_that_has_kept_here_what_it_computed_arrives_as_itself() -> None:
    COMPUTING.double()
    data = dumps([COMPUTING], themselves=Identities())
    COMPUTING._known = None  # as in a process that has not computed it
    assert load_sent(data)[0] is COMPUTING
    COMPUTING.number = 4
    try:
        assert load_sent(data)[0].number == 3, "another value under the name"
    finally:
        COMPUTING.number = 3


class ReadOnly(property):
    """Keeps what it computed in the instance, under its own name, as astropy's `lazyproperty`."""

    def __get__(self, value: Any, owner: Any = None) -> Any:
        if value is None:
            return self
        assert self.fget is not None
        return vars(value).setdefault(self.fget.__name__, self.fget(value))


class Measure:
    """A value that keeps what it computed in many ways, and has parts that do so."""

    def __init__(self, names: tuple[str, ...], parts: tuple[Any, ...] = ()) -> None:
        self.names = names
        self.parts = parts
        self.labels = frozenset(names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Measure) and self.names == other.names

    def __hash__(self) -> int:
        return hash(self.names)

    @functools.cached_property
    def si(self) -> tuple[str, ...]:
        return tuple(name.upper() for name in self.names)

    @functools.cached_property
    def known(self) -> list[str]:
        return list(self.names)

    @ReadOnly
    def cgs(self) -> dict[str, int]:
        return {name: len(name) for name in self.names}

    def compute(self) -> None:
        assert self.si
        assert self.known
        assert self.cgs


METRE = Measure(("metre", "m"))
SPEED = Measure(("speed",), (METRE, COMPUTING))


def forget() -> None:
    for unit in (METRE, SPEED):
        for name in ("si", "known", "cgs"):
            vars(unit).pop(name, None)
    COMPUTING._known = None


def test_what_a_cached_property_keeps_is_no_state_whether_here_or_there_or_in_a_part() -> None:
    for here, there in ([METRE], [SPEED]), ([SPEED], [METRE]), ([METRE, SPEED], []):
        forget()
        COMPUTING.double()
        for unit in here:
            unit.compute()
        data = dumps([METRE, SPEED], themselves=Identities())
        forget()
        for unit in there:
            unit.compute()
        found = load_sent(data)
        assert found[0] is METRE
        assert found[1] is SPEED
    forget()


@pytest.mark.parametrize(
    "change",
    [("parts", (COMPUTING,)), ("labels", frozenset({"other"})), ("extra", 1)],
    ids=["a part", "a set", "one more"],
)
def test_another_public_attribute_makes_another_value_of_what_a_module_holds(
    monkeypatch: pytest.MonkeyPatch, change: tuple[str, object]
) -> None:
    forget()
    data = dumps([SPEED], themselves=Identities())
    monkeypatch.setitem(vars(SPEED), *change)
    (found,) = load_sent(data)
    assert found is not SPEED
    assert found.names == ("speed",)
    assert found.labels == {"speed"}


def test_the_order_of_a_set_does_not_make_another_value() -> None:
    data = dumps([METRE], themselves=Identities())
    numbers = [8, 0]  # which collide, so that the order is that of insertion
    assert list(frozenset(numbers)) != list(frozenset(numbers[::-1]))
    METRE.labels = frozenset(numbers)  # type: ignore[arg-type]
    try:
        data = dumps([METRE], themselves=Identities())
        METRE.labels = frozenset(numbers[::-1])  # type: ignore[arg-type]
        assert load_sent(data)[0] is METRE
    finally:
        METRE.labels = frozenset(METRE.names)


def test_another_text_under_the_name_is_not_the_one_that_was_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = dumps([TEXT, PAIR], themselves=Identities())
    monkeypatch.setattr(sys.modules[__name__], "TEXT", "<another>")
    monkeypatch.delattr(sys.modules[__name__], "PAIR")
    assert load_sent(data) == ["<no value>", ("<no value>", 1)]


def test_a_text_that_no_module_holds_and_code_does_not_spell_out_is_a_copy() -> None:
    texts = ["-".join(["a", "b"]), "".join(["made_", "here"])]
    (found,) = by_process(texts)
    assert found == texts
    assert sys.intern("".join(["made_", "here"])) is not found[1]


def test_large_buffers_beside_what_arrives_as_itself_are_sent_once() -> None:
    big = np.arange(20_000)
    buffers: list[pickle.PickleBuffer] = []
    data = dumps({"big": big, "text": TEXT, "again": big[:]}, buffers, themselves=Identities())
    assert len(buffers) == 2
    found = load_sent(data, buffers=[bytearray(buffer.raw()) for buffer in buffers])
    assert found["text"] is TEXT
    assert (found["big"] == big).all()


def test_what_can_only_be_sent_by_value_holds_what_arrives_as_itself() -> None:
    local = type("Local", (), {})()
    local.text, local.pair = TEXT, [PAIR]
    found = load_sent(dumps(local, themselves=Identities()))
    assert found.text is TEXT
    assert found.pair[0] is PAIR


def test_in_a_long_pickle_only_numbers_that_are_not_finite_are_looked_for() -> None:
    many = [float(n) for n in range(20_000)]
    assert load_sent(dumps([many, TEXT], themselves=Identities()))[1] is not TEXT
    assert load_sent(dumps([many, TEXT, math.inf], themselves=Identities()))[1] is TEXT


class Operation(enum.Enum):
    """Members that no copy of their values finds."""

    HALVE = partial(round, 0.5)
    LOST = (math.nan,)
    OWNED = (object(), "owner")
    COMMON = 3


@pytest.mark.parametrize("wrap", [lambda part: part, lambda part: {"by": part, "f": lambda: part}])
@pytest.mark.parametrize("member", list(Operation))
def test_members_of_an_enum_are_themselves_whatever_their_values(
    member: Operation, wrap: Callable[[Operation], Any]
) -> None:
    data = dumps(wrap(member), themselves=Identities())
    arrived = load_sent(data)
    assert (arrived if wrap(member) is member else arrived["by"]) is member


def test_combined_flags_and_enums_with_an_own_reduction_are_sent_as_ever() -> None:
    class Spelled(str, enum.Enum):
        A = "a"

    both = re.I | re.M
    assert load_sent(dumps((both, Spelled.A), themselves=Identities()))[0] is both


class Unhashed(type):
    """Makes classes without a hash, as a metaclass does that defines equality only."""

    def __eq__(cls, other: object) -> bool:
        raise RuntimeError("equality")

    __hash__ = None  # type: ignore[assignment]


class OfUnhashed(metaclass=Unhashed):
    """One of them: neither pickle nor `copy` handles its instances."""

    def __init__(self, number: int) -> None:
        self.number = number


def test_an_object_whose_class_has_no_hash_is_passed_itself_to_threads() -> None:
    one, other, items = OfUnhashed(1), OfUnhashed(2), [1]
    copies = Copies.of(
        [
            Task(id="", function=print, args=(one, items)),
            Task(id="", function=print, args=(items,), kwargs={"it": other}),
        ]
    )
    assert copies.arguments[0][0][0] is one
    assert copies.arguments[1][1]["it"] is other
    assert copies.shared == {0: "argument 1", 1: "argument 'it'"}
    assert copies.arguments[0][0][1] == [1]
    assert copies.arguments[0][0][1] is not items


def test_a_class_without_a_hash_is_no_obstacle_to_any_question_about_its_instances() -> None:
    one = OfUnhashed(1)
    for identities in (Identities(), Identities(for_threads=True)):
        assert identities.reduce(one) is None
        assert identities.find(one) is None
        assert identities.find((one, 1)) is None
    assert not are_same(one, OfUnhashed(1))
    empty = object.__new__(OfUnhashed)
    (number,) = Identities(for_threads=True).reduce(empty)[1]  # type: ignore[index]
    assert number == 0
    with MadeOnce():
        made = make_empty(0, 1, OfUnhashed)
        assert make_empty(0, 1, OfUnhashed) is made
