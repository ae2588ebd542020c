"""Rows of objects: functions, records, classes, exceptions, uncomparable ones."""

from __future__ import annotations

import functools
import io
import itertools
import math
import os
import re
import threading
import types
from array import array
from typing import Any, NewType

import numpy as np

from .classes import (
    NAMED,
    Bare,
    Custom,
    Frozen,
    Judging,
    Labelled,
    Length,
    Named,
    Pin,
    Plot,
    Point,
    Reduced,
    Registered,
    Slotted,
    Space,
    Stated,
    Trouble,
    Undecided,
    Unpicklable,
    Weighed,
)
from .making import (
    cause,
    make_abstract,
    make_adder,
    make_asynchronous,
    make_class,
    make_code_module,
    make_coroutine,
    make_default,
    make_documented,
    make_enum,
    make_function,
    make_generator,
    make_generic,
    make_labelled,
    make_local,
    make_module,
    make_nested,
    make_record,
    make_recursive,
    make_scaled,
    make_tagged,
    make_wrapped,
    note,
    raised,
    twin,
)
from .row import Row

__all__ = ["ROWS"]

NAN = float("nan")
F = np.array([1.0, 2.0, 3.0])
LOCK = threading.Lock()
V = "value"


def bind(function: Any) -> Any:
    return functools.partial(function, 3)


def take_method(n: object) -> Any:
    return make_local(n)().__repr__


def make_many(n: object) -> Any:
    cls = make_class(w=n)
    return [cls() for _ in range(40)]


def make_alias(n: object) -> Any:
    return dict[str, make_local(n)]  # type: ignore[misc]


CALLABLES = (
    Row("class", Bare, Bare),
    Row("class imported twice", Bare, twin(Bare)),
    Row("other class", Bare, Slotted, "value"),
    Row("function", make_adder, make_adder),
    Row("other function", make_adder, make_generator, "value"),
    Row("lambda that carries the same", make_adder([1]), make_adder([1])),
    Row("lambda that carries another thing", make_adder(1), make_adder(2), "value"),
    Row("lambda of other code", lambda x: x + 1, lambda x: x + 2, "value"),
    Row("default of an inner function", make_default(1), make_default(2), "value"),
    Row("builtin", len, len),
    Row("other builtin", len, max, "value"),
    Row("method of a builtin", [1].append, [1].append),
    Row("method of another builtin", [1].append, [2].append, "value"),
    Row("method of an array", array("i", [1]).extend, array("i", [1]).extend),
    Row("method of another array", array("i", [1]).extend, array("i", [2]).extend, "value"),
    Row("bound method", Point(1).__eq__, Point(1).__eq__),
    Row("bound method of another object", Point(1).__eq__, Point(2).__eq__, "value"),
    Row("partial", functools.partial(max, 3), functools.partial(max, 3)),
    Row("other partial", functools.partial(max, 3), functools.partial(max, 4), "value"),
    Row(
        "lambda in a cache",
        functools.lru_cache(make_adder(1)),
        functools.lru_cache(make_adder(1)),
        is_picklable=False,
    ),
    Row(
        "other lambda in a cache",
        functools.lru_cache(lambda x: x + 1),
        functools.lru_cache(lambda x: x + 2),
        "value",
        is_picklable=False,
    ),
    Row(
        "lambda in a cache of another size",
        functools.lru_cache(maxsize=1)(make_adder(1)),
        functools.lru_cache(maxsize=2)(make_adder(1)),
        "value",
        is_picklable=False,
    ),
    Row("global of a function", make_function(g=[1]), make_function(g=[1])),
    Row("other global of a function", make_function(g=1), make_function(g=2), "value"),
    Row("global of another type", make_function(g=1), make_function(g=1.0), "type"),
    Row("global that one function lacks", make_function(g=1), make_function(), "extra"),
    Row("global that a function does not name", make_function(g=1, a=1), make_function(g=1, a=2)),
    Row("global that hides a builtin", make_function(g=1, len=1), make_function(g=1), "extra"),
    Row("other global of an inner function", make_nested(g=1), make_nested(g=2), "value"),
    Row("function that names itself", make_recursive(1), make_recursive(1)),
    Row("other function that names itself", make_recursive(1), make_recursive(2), "value"),
    Row("attribute of a function", make_scaled(by=1), make_scaled(by=1)),
    Row("other attribute of a function", make_scaled(by=1), make_scaled(by=2), "value"),
    Row("attribute that one function lacks", make_scaled(by=1), make_scaled(), "extra"),
    Row("other docstring", make_documented("a"), make_documented("b"), "value"),
    Row("function under the name of another", make_wrapped(1), make_wrapped(1)),
    Row("other function under the name of another", make_wrapped(1), make_wrapped(2), "value"),
    Row("function and another under its name", make_adder, make_wrapped(1), "value and missing"),
    Row("partial of another function", bind(make_adder(1)), bind(make_adder(2)), "value"),
    Row("method of a class that was made", take_method(1), take_method(1)),
    Row("method of another class that was made", take_method(1), take_method(2), "value"),
)

CLASSES = (
    Row("class that was made", make_class(w=[1]), make_class(w=[1])),
    Row("class that was made with other contents", make_class(w=1), make_class(w=2), "value"),
    Row("class that was made with more", make_class(w=1), make_class(), "extra"),
    Row("class with another base", make_class(Bare), make_class(Point), "value"),
    Row("class with one more base", make_class(Bare, dict), make_class(Bare), "length"),
    Row(
        "class with another made base",
        make_class(make_class(w=1)),
        make_class(make_class(w=2)),
        "value",
    ),
    Row("instance of a made class", make_class(w=1)(), make_class(w=1)()),
    Row("instances of other made classes", make_class(w=1)(), make_class(w=2)(), "value"),
    Row("many instances of a made class", make_many(1), make_many(1)),
    Row("many instances of other made classes", make_many(1), make_many(2), "value"),
    Row("set of instances", {make_class(w=1)()}, {make_class(w=1)()}),
    Row(
        "set of instances of other classes",
        {make_class(w=1)()},
        {make_class(w=2)()},
        "missing and extra",
    ),
    Row("class imported twice with other contents", Bare, twin(Bare, more=1), "missing"),
    Row("instance of a changed class", Bare(x=1), twin(Bare, more=1)(x=1), "missing"),
    Row("made class with a function", make_class(f=make_adder(1)), make_class(f=make_adder(1))),
    Row("made class with a lock", make_class(f=LOCK), make_class(f=LOCK), is_picklable=False),
    Row(
        "made class with another lock",
        make_class(f=LOCK),
        make_class(f=threading.Lock()),
        "uncomparable",
        reflexive=False,
        is_picklable=False,
    ),
    Row("local class", make_local(1), make_local(1)),
    Row("other local class", make_local(1), make_local(2), "value"),
    Row("instance of a local class", make_local(1)([1]), make_local(1)([1])),
    Row("instance of another local class", make_local(1)(), make_local(2)(), "value"),
    Row("state of a local class", make_local(1)(3), make_local(1)(4), "value"),
    Row("abstract classes", make_abstract(1), make_abstract(1)),
    Row("other abstract classes", make_abstract(1), make_abstract(2), "value"),
    Row("local Enum", make_enum(2), make_enum(2)),
    Row("local Enum of another value", make_enum(2), make_enum(3), "value"),
    Row("member of a local Enum", make_enum(2).OTHER, make_enum(2).OTHER),
    Row("member of another local Enum", make_enum(2).OTHER, make_enum(3).OTHER, "value"),
    Row("another member of a local Enum", make_enum(2).OTHER, make_enum(2).ONE, "value"),
    Row("local generic class", make_generic(int), make_generic(int)),
    Row("local class of another type variable", make_generic(int), make_generic(str), "value"),
    Row("local NewType", NewType("A", int), NewType("A", int), is_picklable=False),
    Row("other local NewType", NewType("A", int), NewType("A", str), V, is_picklable=False),
    Row("alias of a local class", list[make_local(1)], list[make_local(1)]),  # type: ignore[misc]
    Row("alias of another local class", make_alias(1), make_alias(2), "value"),
    Row("module that was made", make_module(x=[1]), make_module(x=[1])),
    Row("module with other contents", make_module(x=1), make_module(x=2), "value"),
    Row("module with more", make_module(x=1), make_module(), "extra"),
    Row("module with a function", make_code_module(1), make_code_module(1)),
    Row("module with another function", make_code_module(1), make_code_module(2), "value"),
    Row(
        "module under the name of another",
        types.ModuleType("math"),
        math,
        "missing and type",
        is_picklable=False,
    ),
    *(
        row
        for kind in ("dataclass", "slots", "frozen", "attrs", "tuple", "typed")
        for row in (
            Row(f"class by {kind}", make_record(kind, 1), make_record(kind, 1)),
            Row(f"other class by {kind}", make_record(kind, 1), make_record(kind, 2), "value"),
            Row(f"instance by {kind}", make_record(kind, 1)([3]), make_record(kind, 1)([3])),
            Row(f"other instance by {kind}", make_record(kind, 1)(3), make_record(kind, 1)(4), V),
            Row(
                f"instance of another by {kind}",
                make_record(kind, 1)(3),
                make_record(kind, 2)(3),
                V,
            ),
        )
    ),
)

RECORDS = (
    Row("dataclass", Point(F), Point(F.copy())),
    Row("other dataclass field", Point(1), Point(2), "value"),
    Row("dataclass field of another type", Point(1), Point(1.0), "type"),
    Row("dataclass field that does not count", Point(1, cache=3), Point(1, cache=4)),
    Row("slotted dataclass", Frozen(NAN), Frozen(NAN)),
    Row("other slotted dataclass", Frozen(1), Frozen(2), "value"),
    Row("attribute that is not a field", make_labelled(z=1), make_labelled(z=2), "value"),
    Row("dataclass and its subclass", Point(1), Labelled(1), "type"),
    Row("dataclass that is a dict", make_tagged({1: 2}, "a"), make_tagged({1: 2}, "a")),
    Row(
        "dataclass that is another dict",
        make_tagged({1: 2}, "a"),
        make_tagged({1: 3}, "a"),
        "value",
    ),
    Row("dataclass that is a float", Length(1.0, "m"), Length(1.0, "m")),
    Row("dataclass that is another float", Length(1.0, "m"), Length(2.0, "m"), "value"),
    Row("field of a dataclass that is a float", Length(1.0, "m"), Length(1.0, "s"), "value"),
    Row("attrs", Plot(F), Plot(F.copy())),
    Row("other attrs field", Plot(1), Plot(2), "value"),
    Row("attrs field of another type", Plot(1), Plot(True), "type"),
    Row("attrs field that does not count", Plot(1, cache=3), Plot(1, cache=4)),
    Row("frozen attrs", Pin(NAN), Pin(NAN)),
    Row("other frozen attrs", Pin(0.0), Pin(-0.0), "sign-of-zero"),
    Row("namespace", types.SimpleNamespace(a=F), types.SimpleNamespace(a=F.copy())),
    Row("other namespace", types.SimpleNamespace(a=1), types.SimpleNamespace(a=2), "value"),
    Row(
        "namespace with another name",
        types.SimpleNamespace(a=1),
        types.SimpleNamespace(b=1),
        "missing and extra",
    ),
    Row("namespace of the project", Space(a=1), Space(a=2), "value"),
)

OWN_EQUALITY = (
    Row("own eq that says True", Judging(True), Judging(True)),
    Row("own eq that says False", Judging(False), Judging(False), "value", reflexive=False),
    Row("own eq of other weights", Weighed(1), Weighed(2), "value"),
    Row("own eq that gives a NumPy bool", Judging(np.True_), Judging(np.True_)),
    Row("own eq that gives an array", Judging(np.array([True])), Judging(np.array([True]))),
    Row(
        "own eq that gives a False array",
        Judging(np.array([True, False])),
        Judging(np.array([False])),
        "value",
        reflexive=False,
    ),
    Row("own eq that gives text", Judging("yes"), Judging("yes"), "uncomparable"),
    Row("own eq that gives 1", Judging(1), Judging(1), "uncomparable"),
    Row("own eq that gives None", Judging(None), Judging(None), "uncomparable"),
    Row("own eq that gives a list", Judging([True]), Judging([True]), "uncomparable"),
    Row("own eq that raises", Judging(KeyError("k")), Judging(KeyError("k")), "uncomparable"),
    Row("own eq that exits", Judging(SystemExit(3)), Judging(SystemExit(3)), "uncomparable"),
    Row("own eq that looks at a part", Weighed(1, "a"), Weighed(1, "b"), note="own-eq"),
    Row("own eq that looks at another part", Weighed(1), Weighed(2), "value"),
    Row("own eq of two imports", Judging(False), twin(Judging)(False), reflexive=False),
    Row(
        "own eq of two imports with other state",
        Judging(False),
        twin(Judging)(0.0),
        "type",
        reflexive=False,
    ),
)

STATES = (
    Row("state", Bare(x=[1]), Bare(x=[1])),
    Row("other state", Bare(x=1), Bare(x=2), "value"),
    Row("state in another order", Bare(x=1, y=2), Bare(y=2, x=1)),
    Row("state of another type", Bare(x=1), Bare(x=1.0), "type"),
    Row("state that lacks one", Bare(), Bare(x=2), "missing"),
    Row("state with one more", Bare(x=2), Bare(), "extra"),
    Row("state of a class imported twice", Bare(x=1), twin(Bare)(x=1)),
    Row("other state of a class imported twice", Bare(x=1), twin(Bare)(x=2), "value"),
    Row("slots", Slotted(1, 2), Slotted(1, 2)),
    Row("other slots", Slotted(1), Slotted(2), "value"),
    Row("other hidden slots", Slotted(1, 1), Slotted(1, 2), "value"),
    Row("state by __getstate__", Stated(1), Stated(1)),
    Row("other state by __getstate__", Stated(1), Stated(2), "value"),
    Row("state by __reduce__", Reduced(1), Reduced(1)),
    Row("other state by __reduce__", Reduced(1), Reduced(2), "value"),
    Row("state by copyreg", Registered(1), Registered(1)),
    Row("other state by copyreg", Registered(1), Registered(2), "value"),
    Row("sentinel", object(), object()),
    Row("object of a name", NAMED, NAMED),
    Row("object of another name", Named("a"), Named("b"), "value", is_picklable=False),
    Row(
        "object of a name elsewhere", Named("a", "m"), Named("a", "n"), "value", is_picklable=False
    ),
    Row(
        "object of no name",
        Named("<lambda>"),
        Named("<lambda>"),
        "uncomparable",
        reflexive=False,
        is_picklable=False,
    ),
    Row("classes without eq of other names", Bare(), Registered(1), "type"),
    Row("random generator", np.random.default_rng(1), np.random.default_rng(1)),
    Row("other random generator", np.random.default_rng(1), np.random.default_rng(2), "value"),
    Row("ufunc", np.sin, np.sin),
    Row("other ufunc", np.sin, np.cos, "value"),
)

EXCEPTIONS = (
    Row("exception", ValueError("a", 1), ValueError("a", 1)),
    Row("exception argument", ValueError("a"), ValueError("b"), "value"),
    Row("exception argument of another type", ValueError(1), ValueError("1"), "type"),
    Row("exception with one more argument", ValueError(1, 2), ValueError(1), "length"),
    Row("exception of another type", ValueError("a"), TypeError("a"), "type"),
    Row("exception and its base", KeyError("a"), LookupError("a"), "type"),
    Row("exception with a traceback", raised(ValueError("a")), ValueError("a")),
    Row("exception with a cause", cause(ValueError("a"), KeyError()), ValueError("a")),
    Row("exception with a note", note(ValueError("a"), "seen"), note(ValueError("a"), "seen")),
    Row("exception with one more note", note(ValueError("a"), "b"), ValueError("a"), "extra"),
    Row("other note", note(ValueError("a"), "b"), note(ValueError("a"), "c"), "value"),
    Row("exception with an attribute", Custom("a", code=1), Custom("a", code=1)),
    Row("other attribute of an exception", Custom("a", code=1), Custom("a", code=2), "value"),
    Row("OSError", OSError(2, "no", "a"), OSError(2, "no", "a")),
    Row("OSError of another file", OSError(2, "no", "a"), OSError(2, "no", "b"), "value"),
    Row("dataclass that is an exception", Trouble(1), Trouble(1)),
    Row("dataclass that is another exception", Trouble(1), Trouble(2), "value"),
)


def closed(coroutine: Any) -> Any:
    """Return a coroutine that nobody will be told was never awaited."""
    coroutine.close()
    return coroutine


def partly_read(data: bytes) -> io.BytesIO:
    memory = io.BytesIO(data)
    memory.read(1)
    return memory


def file() -> Any:
    with open(os.devnull) as opened:
        return opened


MATCH = re.match("a", "a")

OPAQUE = (
    Row("generator", make_generator(), make_generator(), "uncomparable", is_picklable=False),
    Row(
        "asynchronous generator",
        make_asynchronous(),
        make_asynchronous(),
        "uncomparable",
        is_picklable=False,
    ),
    Row(
        "coroutine",
        closed(make_coroutine()),
        closed(make_coroutine()),
        "uncomparable",
        is_picklable=False,
    ),
    Row("iterator", iter([1]), iter([1]), "uncomparable"),
    Row("map", map(str, [1]), map(str, [1]), "uncomparable"),
    Row("zip", zip([1], strict=True), zip([1], strict=True), "uncomparable"),
    Row("count", itertools.count(), itertools.count(), "uncomparable", is_picklable=False),
    Row("text in memory", io.StringIO("a"), io.StringIO("a")),
    Row("other text in memory", io.StringIO("a"), io.StringIO("b"), "value"),
    Row("bytes in memory", io.BytesIO(b"a"), io.BytesIO(b"a")),
    Row("bytes in memory read to another place", partly_read(b"a"), io.BytesIO(b"a"), V),
    Row("own eq undecided", Undecided(1), Undecided(1)),
    Row("own eq undecided, other state", Undecided(1), Undecided(2), "value"),
    Row("own eq undecided in a key", {Undecided(1): 1}, {Undecided(1): 1}),
    Row(
        "own eq undecided in another key", {Undecided(1): 1}, {Undecided(2): 1}, "missing and extra"
    ),
    Row("file", file(), file(), "uncomparable", is_picklable=False),
    Row("lock", threading.Lock(), threading.Lock(), "uncomparable", is_picklable=False),
    Row("reentrant lock", threading.RLock(), threading.RLock(), "uncomparable", is_picklable=False),
    Row("event", threading.Event(), threading.Event(), "uncomparable", is_picklable=False),
    Row(
        "lock inside",
        Bare(guard=threading.Lock()),
        Bare(guard=threading.Lock()),
        "uncomparable",
        is_picklable=False,
    ),
    Row(
        "lock in a list", [threading.Lock()], [threading.Lock()], "uncomparable", is_picklable=False
    ),
    Row(
        "object that pickle rejects",
        Unpicklable(),
        Unpicklable(),
        "uncomparable",
        is_picklable=False,
    ),
    Row("match of a pattern", MATCH, MATCH, "uncomparable", is_picklable=False),
)

ROWS = (*CALLABLES, *CLASSES, *RECORDS, *OWN_EQUALITY, *STATES, *EXCEPTIONS, *OPAQUE)
