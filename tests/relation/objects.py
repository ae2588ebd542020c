"""Rows of objects: functions, records, classes, exceptions, uncomparable ones."""

from __future__ import annotations

import functools
import io
import itertools
import os
import re
import threading
import types
from array import array
from typing import Any

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
    Unpicklable,
    Weighed,
)
from .making import (
    cause,
    make_adder,
    make_asynchronous,
    make_coroutine,
    make_default,
    make_generator,
    make_labelled,
    make_tagged,
    note,
    raised,
    twin,
)
from .row import Row

__all__ = ["ROWS"]

NAN = float("nan")
F = np.array([1.0, 2.0, 3.0])

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
        functools.lru_cache(lambda x: x + 1),
        functools.lru_cache(lambda x: x + 2),
        "uncomparable",
        is_picklable=False,
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
    Row("own eq that looks at a part", Weighed(1, "a"), Weighed(1, "b")),
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
    Row("exception with a note", note(ValueError("a"), "seen"), ValueError("a")),
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
    Row("text in memory", io.StringIO("a"), io.StringIO("a"), "uncomparable"),
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

ROWS = (*CALLABLES, *RECORDS, *OWN_EQUALITY, *STATES, *EXCEPTIONS, *OPAQUE)
