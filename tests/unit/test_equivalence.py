"""The relation `exact`, as a table of pairs."""

from __future__ import annotations

import array
import asyncio
import dataclasses
import datetime as dt
import enum
import fractions
import functools
import io
import math
import pathlib
import re
import struct
import threading
import types
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from typing import Any, NamedTuple

import cloudpickle
import numpy as np
import pytest

from pytest_parwork.equivalence import compare, ulp, walk

NAN = float("nan")
OTHER_NAN = struct.unpack("<d", struct.pack("<Q", 0xFFF8_0000_0000_0001))[0]
UTC = dt.timezone.utc


class Bare:
    """A class without `__eq__`."""

    def __init__(self, **attributes: object) -> None:
        vars(self).update(attributes)


class Slotted:
    __slots__ = ("__hidden", "x")

    def __init__(self, x: object, hidden: object = None) -> None:
        self.x = x
        self.__hidden = hidden


class Judging:
    """A class whose `__eq__` gives what it was told."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def __eq__(self, other: object) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    __hash__ = None  # type: ignore[assignment]


class Listed(list[Any]):
    label = ""


class Number(int):
    unit = ""


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Level(enum.IntEnum):
    LOW = 1


class Bits(enum.Flag):
    A = 1
    B = 2
    C = 4


@dataclasses.dataclass
class Point:
    x: object
    y: object = 0
    cache: object = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    x: object


class Labelled(Point):
    """A subclass that is no dataclass itself."""


class Row(NamedTuple):
    x: object
    y: object = 0


class Unpicklable:
    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("cannot pickle this")


class Stated:
    def __init__(self, state: object) -> None:
        self.state = state

    def __getstate__(self) -> object:
        return [self.state]

    def __setstate__(self, state: list[object]) -> None:
        (self.state,) = state


def twin(cls: type) -> Any:
    """Return the class that a second import of its module would make."""
    namespace = {key: value for key, value in vars(cls).items() if key not in ("__dict__",)}
    namespace.pop("__weakref__", None)
    return type(cls.__name__, cls.__bases__, namespace)


def make_adder(n: object) -> Any:
    return lambda x: (x, n)


def make_labelled(**attributes: object) -> Labelled:
    point = Labelled(1)
    vars(point).update(attributes)
    return point


def make_listed(items: list[Any], label: str) -> Listed:
    listed = Listed(items)
    listed.label = label
    return listed


def make_number(unit: str) -> Number:
    number = Number(3)
    number.unit = unit
    return number


def make_generator() -> Any:
    yield 1


async def make_coroutine() -> None:
    await asyncio.sleep(0)


F = np.array([1.0, 2.0, 3.0])
GRID = np.arange(12.0).reshape(3, 4)
STRUCTURED = np.dtype([("x", "f8"), ("n", "i4")])
RECORDS = np.array([(1.0, 2), (3.0, 4)], dtype=STRUCTURED)


def mask(values: list[Any], hidden: list[bool]) -> Any:
    return np.ma.masked_array(values, hidden)


def edit(values: Any, index: Any, value: object) -> Any:
    copied = values.copy()
    copied[index] = value
    return copied


def hashed(value: Any) -> Any:
    hash(value)
    return value


def freeze(values: Any) -> Any:
    copied = values.copy()
    copied.flags.writeable = False
    return copied


def noted(error: Exception) -> Exception:
    vars(error)["__notes__"] = ["a note"]
    return error


EQUAL: dict[str, tuple[object, object]] = {
    "an exception with a note": (noted(KeyError("a")), KeyError("a")),
    "ints": (3, 3),
    "large ints": (10**400, 10**400),
    "floats": (0.1, 0.1),
    "NaN": (NAN, NAN),
    "NaN of another payload and sign": (NAN, OTHER_NAN),
    "zeros": (0.0, 0.0),
    "negative zeros": (-0.0, -0.0),
    "infinities": (math.inf, math.inf),
    "complex with NaN": (complex(NAN, 1), complex(OTHER_NAN, 1)),
    "text": ("é", "é"),
    "bytes": (b"ab", b"ab"),
    "bytearrays": (bytearray(b"ab"), bytearray(b"ab")),
    "None": (None, None),
    "Ellipsis": (..., ...),
    "NotImplemented": (NotImplemented, NotImplemented),
    "Decimal": (Decimal("1.10"), Decimal("1.10")),
    "Decimal NaN": (Decimal("NaN"), Decimal("NaN")),
    "Fraction": (fractions.Fraction(1, 3), fractions.Fraction(2, 6)),
    "datetimes": (dt.datetime(2024, 1, 1, tzinfo=UTC), dt.datetime(2024, 1, 1, tzinfo=UTC)),
    "dates": (dt.date(2024, 1, 1), dt.date(2024, 1, 1)),
    "timedeltas": (dt.timedelta(1), dt.timedelta(hours=24)),
    "Enum": (Color.RED, Color.RED),
    "Flag": (Bits.A | Bits.C, Bits.A | Bits.C),
    "range": (range(3), range(3)),
    "slice": (slice(1, NAN), slice(1, NAN)),
    "paths": (pathlib.Path("a/b"), pathlib.Path("a") / "b"),
    "paths, one of them hashed": (pathlib.Path("a"), hashed(pathlib.Path("a"))),
    "UUID": (uuid.UUID(int=3), uuid.UUID(int=3)),
    "patterns": (re.compile("a", re.I), re.compile("a", re.I)),
    "types": (Bare, Bare),
    "a type imported twice": (Bare, twin(Bare)),
    "functions": (make_adder, make_adder),
    "lambdas that carry the same": (make_adder([1]), make_adder([1])),
    "builtins": (len, len),
    "methods": ([1].append, [1].append),
    "bound methods": (Point(1).__eq__, Point(1).__eq__),
    "partials": (functools.partial(max, 3), functools.partial(max, 3)),
    "modules": (math, math),
    "lists": ([1, [2.0]], [1, [2.0]]),
    "tuples": ((1, NAN), (1, NAN)),
    "sets": ({1, "a"}, {"a", 1}),
    "sets with NaN": ({NAN, 1.5}, {OTHER_NAN, 1.5}),
    "frozensets of frozensets": (frozenset({frozenset({1})}), frozenset({frozenset({1})})),
    "sets of objects": ({Bare(x=1), Bare(x=2)}, {Bare(x=2), Bare(x=1)}),
    "dicts in another order": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "dicts with a NaN key": ({NAN: 1}, {float("nan"): 1}),
    "dicts with object keys": ({Bare(x=1): 1}, {Bare(x=1): 1}),
    "OrderedDict": (OrderedDict(a=1, b=2), OrderedDict(a=1, b=2)),
    "OrderedDict with a NaN key": (
        OrderedDict([(NAN, 1), ("b", 2)]),
        OrderedDict([(float("nan"), 1), ("b", 2)]),
    ),
    "defaultdict": (defaultdict(list, a=[1]), defaultdict(list, a=[1])),
    "mapping proxies": (types.MappingProxyType({"a": F}), types.MappingProxyType({"a": F.copy()})),
    "Counter": (Counter("ab"), Counter("ba")),
    "deque": (deque([1], 3), deque([1], 3)),
    "namedtuple": (Row(1), Row(1)),
    "typed arrays": (array.array("d", [1, NAN]), array.array("d", [1, NAN])),
    "memoryviews": (memoryview(b"ab"), memoryview(b"ab")),
    "dataclasses": (Point(F), Point(F.copy())),
    "fields that do not count": (Point(1, cache=3), Point(1, cache=4)),
    "slotted dataclasses": (Frozen(NAN), Frozen(NAN)),
    "exceptions": (ValueError("a", 1), ValueError("a", 1)),
    "namespaces": (types.SimpleNamespace(a=F), types.SimpleNamespace(a=F.copy())),
    "own eq that says True": (Judging(True), Judging(True)),
    "own eq that gives a NumPy bool": (Judging(np.True_), Judging(np.True_)),
    "own eq that gives an array": (Judging(np.array([True])), Judging(np.array([True]))),
    "state": (Bare(x=[1]), Bare(x=[1])),
    "state of a class imported twice": (Bare(x=1), twin(Bare)(x=1)),
    "slots": (Slotted(1, 2), Slotted(1, 2)),
    "state by __getstate__": (Stated(1), Stated(1)),
    "sentinels": (object(), object()),
    "list subclasses": (make_listed([1], "a"), make_listed([1], "a")),
    "a state with a generator's rules": (np.random.default_rng(1), np.random.default_rng(1)),
    "arrays": (F, F.copy()),
    "an array and a memory order": (GRID, np.asfortranarray(GRID)),
    "an array and a strided one": (F, np.repeat(F, 2)[::2]),
    "a read-only array": (F, freeze(F)),
    "arrays with NaN": (np.array([1, NAN]), np.array([1, OTHER_NAN])),
    "complex arrays with NaN": (
        np.array([complex(NAN, 1)]),
        np.array([complex(OTHER_NAN, 1)]),
    ),
    "empty arrays": (np.zeros((0, 3)), np.zeros((0, 3))),
    "0-d arrays": (np.array(1.5), np.array(1.5)),
    "text arrays": (np.array(["a", "bc"]), np.array(["a", "bc"])),
    "text arrays of twelve bytes": (np.array(["abc", ""]), np.array(["abc", ""])),
    "empty text arrays": (np.array(["", ""]), np.array(["", ""])),
    "NaT": (np.array(["NaT"], "M8[s]"), np.array(["NaT"], "M8[s]")),
    "structured arrays": (RECORDS, RECORDS.copy()),
    "object arrays": (np.array([1, "a", None], object), np.array([1, "a", None], object)),
    "masked arrays": (
        np.ma.masked_array([1.0, 2.0], [False, True]),
        np.ma.masked_array([1.0, 9.0], [False, True]),
    ),
    "NumPy scalars": (np.float64(NAN), np.float64(NAN)),
    "extended precision": (np.longdouble(1) / 3, np.longdouble(1) / 3),
    "structured scalars": (RECORDS[0], RECORDS[0].copy()),
    "dtypes": (np.dtype("f8"), np.dtype("f8")),
    "ufuncs": (np.sin, np.sin),
}

LONG_TEXT = "a" * 1000

DIFFERENT: dict[str, tuple[object, object, str]] = {
    "ints": (3, 4, "value"),
    "floats": (0.1, 0.2, "value"),
    "floats next to each other": (0.1, math.nextafter(0.1, 1), "≤4 ulp"),
    "a float and NaN": (0.1, NAN, "value"),
    "infinities": (math.inf, -math.inf, "value"),
    "zeros": (-0.0, 0.0, "sign-of-zero"),
    "complex": (1 + 2j, 1 + 3j, "value"),
    "complex zeros": (complex(0.0, -0.0), complex(0.0, 0.0), "sign-of-zero"),
    "complex with a NaN part": (complex(NAN, 1), complex(NAN, 2), "value"),
    "int and float": (1, 1.0, "type"),
    "True and 1": (True, 1, "type"),
    "np.float64 and float": (np.float64(1), 1.0, "type"),
    "0-d array and scalar": (np.array(1.0), np.float64(1), "type"),
    "text": ("a", "b", "value"),
    "text and bytes": ("a", b"a", "type"),
    "list and tuple": ([1], (1,), "type"),
    "set and frozenset": ({1}, frozenset({1}), "type"),
    "dict and OrderedDict": ({}, OrderedDict(), "type"),
    "None and False": (None, False, "type"),
    "bools": (True, False, "value"),
    "Decimals of another exponent": (Decimal("1.1"), Decimal("1.10"), "value"),
    "Decimal zeros": (Decimal("-0"), Decimal("0"), "value"),
    "Fraction": (fractions.Fraction(1, 3), fractions.Fraction(1, 2), "value"),
    "one instant, two offsets": (
        dt.datetime(2024, 1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))),
        dt.datetime(2024, 1, 1, 0, tzinfo=UTC),
        "value",
    ),
    "fold": (dt.datetime(2024, 1, 1, fold=1), dt.datetime(2024, 1, 1), "value"),
    "fold of a time": (dt.time(1, fold=1), dt.time(1), "value"),
    "dates": (dt.date(2024, 1, 1), dt.date(2024, 1, 2), "value"),
    "date and datetime": (dt.datetime(2024, 1, 1), dt.date(2024, 1, 1), "type"),
    "Enum": (Color.RED, Color.BLUE, "value"),
    "IntEnum and int": (Level.LOW, 1, "type"),
    "Flag": (Bits.A | Bits.B, Bits.A | Bits.C, "value"),
    "ranges of the same items": (range(0, 3, 2), range(0, 4, 2), "value"),
    "slices": (slice(1), slice(1.0), "type"),
    "paths": (pathlib.Path("a"), pathlib.Path("b"), "value"),
    "patterns": (re.compile("a"), re.compile("a", re.I), "value"),
    "UUID": (uuid.UUID(int=3), uuid.UUID(int=4), "value"),
    "types": (Bare, Slotted, "value"),
    "functions": (make_adder, make_generator, "value"),
    "lambdas that carry different things": (make_adder(1), make_adder(2), "value"),
    "lambdas of different code": (lambda x: x + 1, lambda x: x + 2, "value"),
    "builtins": (len, max, "value"),
    "methods of different objects": ([1].append, [2].append, "value"),
    "partials": (functools.partial(max, 3), functools.partial(max, 4), "value"),
    "modules": (math, struct, "value"),
    "lists in another order": ([1, 2], [2, 1], "order-only"),
    "a list that is too short": ([1], [1, 2], "length"),
    "a set that lacks one": ({1}, {1, 2}, "missing"),
    "a set with one more": ({1, 2}, {1}, "extra"),
    "sets of 1 and True": ({1}, {True}, "missing"),
    "sets of both zeros": ({0.0}, {-0.0}, "missing"),
    "sets of objects": ({Bare(x=1)}, {Bare(x=2)}, "missing"),
    "a dict that lacks one": ({}, {"a": 1}, "missing"),
    "a dict with one more": ({"a": 1}, {}, "extra"),
    "dict keys 1 and 1.0": ({1: 0}, {1.0: 0}, "missing"),
    "dict values": ({"a": 1}, {"a": 2}, "value"),
    "OrderedDict in another order": (
        OrderedDict([("a", 1), ("b", 2)]),
        OrderedDict([("b", 2), ("a", 1)]),
        "order-only",
    ),
    "default factories": (defaultdict(list), defaultdict(set), "value"),
    "a Counter with a zero": (Counter(a=0), Counter(), "extra"),
    "deques": (deque([1]), deque([2]), "value"),
    "deques of other length": (deque([1], 3), deque([1], 4), "value"),
    "namedtuples": (Row(1), Row(2), "value"),
    "namedtuple and tuple": (Row(1), (1, 0), "type"),
    "typed arrays of another type": (array.array("i"), array.array("d"), "value"),
    "typed arrays": (array.array("d", [0.0]), array.array("d", [-0.0]), "sign-of-zero"),
    "memoryviews": (memoryview(b"ab"), memoryview(b"ac"), "value"),
    "dataclass fields": (Point(1), Point(1.0), "type"),
    "slotted dataclass fields": (Frozen(1), Frozen(2), "value"),
    "attributes beside the fields": (make_labelled(z=1), make_labelled(z=2), "value"),
    "dataclass and its subclass": (Point(1), Labelled(1), "type"),
    "exception arguments": (ValueError("a"), ValueError("b"), "value"),
    "exception types": (ValueError("a"), TypeError("a"), "type"),
    "namespaces": (types.SimpleNamespace(a=1), types.SimpleNamespace(b=1), "missing"),
    "own eq that says False": (Judging(False), Judging(False), "value"),
    "own eq that gives text": (Judging("yes"), Judging("yes"), "uncomparable"),
    "own eq that gives a list": (Judging([True]), Judging([True]), "uncomparable"),
    "own eq that raises": (Judging(KeyError("k")), Judging(0), "uncomparable"),
    "own eq that gives a False array": (Judging(np.array([True, False])), Judging(0), "value"),
    "state": (Bare(x=1), Bare(x=2), "value"),
    "a state that lacks one": (Bare(), Bare(x=2), "missing"),
    "slots": (Slotted(1), Slotted(2), "value"),
    "hidden slots": (Slotted(1, 1), Slotted(1, 2), "value"),
    "state by __getstate__": (Stated(1), Stated(2), "value"),
    "attributes of a list": (make_listed([1], "a"), make_listed([1], "b"), "value"),
    "attributes of an int": (make_number("m"), make_number("s"), "value"),
    "random generators": (np.random.default_rng(1), np.random.default_rng(2), "value"),
    "generators": (make_generator(), make_generator(), "uncomparable"),
    "iterators": (iter([1]), iter([1]), "uncomparable"),
    "maps": (map(str, [1]), map(str, [1]), "uncomparable"),
    "files": (io.StringIO("a"), io.StringIO("a"), "uncomparable"),
    "locks": (threading.Lock(), threading.Lock(), "uncomparable"),
    "a lock inside": (Bare(guard=threading.Lock()), Bare(guard=threading.Lock()), "uncomparable"),
    "what pickle refuses": (Unpicklable(), Unpicklable(), "uncomparable"),
    "dict values views": ({}.values(), {}.values(), "uncomparable"),
    "array dtypes": (F, F.astype("f4"), "dtype"),
    "byte orders": (F, F.astype(">f8"), "dtype"),
    "datetime units": (np.datetime64("2024", "D"), np.datetime64("2024", "s"), "dtype"),
    "text widths": (np.array(["a"], "U1"), np.array(["a"], "U2"), "dtype"),
    "structured dtypes": (RECORDS, RECORDS.astype([("x", "f8"), ("m", "i4")]), "dtype"),
    "shapes": (F, F.reshape(1, 3), "shape"),
    "array elements": (F, edit(F, 1, 2.5), "value"),
    "array zeros": (np.zeros(3), -np.zeros(3), "sign-of-zero"),
    "array NaN": (F, edit(F, 0, NAN), "value"),
    "integer arrays": (np.arange(3), edit(np.arange(3), 2, 9), "value"),
    "text arrays": (np.array(["a", "b"]), np.array(["a", "c"]), "value"),
    "NaT and a date": (np.array(["NaT"], "M8[D]"), np.array(["2024"], "M8[D]"), "value"),
    "complex arrays": (np.array([1j]), np.array([2j]), "value"),
    "structured arrays": (RECORDS, edit(RECORDS, 1, (3.0, 5)), "value"),
    "object arrays": (np.array([1, "a"], object), np.array([1.0, "a"], object), "type"),
    "arrays and matrices": (np.zeros((1, 1)), np.ma.zeros((1, 1)), "type"),
    "masks": (mask([1, 2], [False, True]), mask([1, 2], [False, False]), "value"),
    "masked data": (
        mask([1, 2], [False, True]),
        mask([3, 2], [False, True]),
        "value",
    ),
    "NumPy scalars": (np.float32(0.1), np.float32(0.2), "value"),
    "NumPy zeros": (np.float64(-0.0), np.float64(0), "sign-of-zero"),
    "extended precision": (np.longdouble(1) / 3, np.longdouble(1) / 7, "value"),
    "structured scalars": (RECORDS[0], RECORDS[1], "value"),
    "dtypes": (np.dtype("f8"), np.dtype("f4"), "type"),
    "structured dtypes as values": (STRUCTURED, np.dtype([("x", "f8")]), "dtype"),
    "long text": (LONG_TEXT + "x", LONG_TEXT + "y", "value"),
}


@pytest.mark.parametrize(("left", "right"), EQUAL.values(), ids=EQUAL)
def test_values_that_are_the_same_are_equal(left: object, right: object) -> None:
    assert str(compare(left, right)) == "equal by exact()"
    assert compare(right, left)


@pytest.mark.parametrize(("left", "right", "kind"), DIFFERENT.values(), ids=DIFFERENT)
def test_values_that_are_not_the_same_differ(left: object, right: object, kind: str) -> None:
    kinds = {mismatch.kind for mismatch in compare(left, right).mismatches}
    assert kind in kinds, kinds
    assert not compare(right, left)


@pytest.mark.parametrize("name", sorted(EQUAL.keys() - {"mapping proxies", "memoryviews"}))
def test_a_value_equals_its_copy_after_a_journey(name: str) -> None:
    value, _ = EQUAL[name]
    assert compare(cloudpickle.loads(cloudpickle.dumps(value)), value)


def test_a_coroutine_is_not_compared() -> None:
    coroutine = make_coroutine()
    assert compare(coroutine, coroutine).mismatches[0].kind == "uncomparable"
    coroutine.close()


def test_a_memory_map_is_an_array(tmp_path: pathlib.Path) -> None:
    mapped = np.memmap(tmp_path / "data", "f8", "w+", shape=(3,))
    mapped[:] = F
    assert compare(mapped, F)
    assert compare(F, mapped)
    assert not compare(mapped + 1, F)


def test_an_equality_that_knows_only_its_own_class_is_not_asked_of_a_second_import() -> None:
    other = twin(Judging)
    assert compare(Judging(False), other(False))
    assert not compare(Judging(False), other(0.0))


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


def test_cycles_end() -> None:
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


def test_an_object_without_end_is_uncomparable() -> None:
    class Endless:
        def __getstate__(self) -> object:
            return {"next": Endless()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk, "DEPTH", 50)
        assert compare(Endless(), Endless()).mismatches[0].kind == "uncomparable"


def test_many_objects_in_a_set_end() -> None:
    left, right = ({Bare(x=i) for i in range(20)} for _ in range(2))
    assert compare(left, right)
    assert compare(left, right | {Bare(x=20)}).count == 1


def connect(size: int, reach: int, *, weight: int = 0) -> list[Bare]:
    """Return objects that hold sets of one another, the last with another weight."""
    nodes = [Bare(name=i, weight=weight if i == size - 1 else 0) for i in range(size)]
    for i, node in enumerate(nodes):
        vars(node)["near"] = {nodes[(i + j) % size] for j in range(1, reach)}
    return nodes


@pytest.mark.parametrize(("size", "reach"), [(2, 2), (12, 12), (40, 3)])
def test_objects_that_hold_sets_of_one_another_are_compared(size: int, reach: int) -> None:
    assert compare(connect(size, reach)[0], connect(size, reach)[0])
    assert not compare(connect(size, reach)[0], connect(size, reach, weight=1)[0])


def test_what_takes_too_long_to_match_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "Effort", functools.partial(walk.Effort, left=3))
    left, right = ({Bare(x=i) for i in range(20)} for _ in range(2))
    assert not compare(left, right, ulp(1))


class Holder:
    """Answers `==` with what NumPy answers for an array inside."""

    def __init__(self, values: list[float]) -> None:
        self.values = np.array(values)

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, Holder)
        return self.values == other.values  # type: ignore[no-any-return]  # the point of it

    __hash__ = None  # type: ignore[assignment]  # as NumPy's


@pytest.mark.parametrize(("actual", "expected"), [([], [5.0]), ([5.0], [5.0, 5.0])])
def test_an_array_answer_says_nothing_of_parts_that_broadcasting_dropped(
    actual: list[float], expected: list[float]
) -> None:
    assert not compare(Holder(actual), Holder(expected))
    assert compare(Holder(expected), Holder(expected))


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
