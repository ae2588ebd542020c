"""Rows of containers."""

from __future__ import annotations

import array
import time
import types
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, defaultdict, deque
from typing import Any

import numpy as np

from .classes import Bare, Couple, Hiding, Pair, Sealed, Unending, Zeros
from .making import make_listed, make_packed
from .row import Row

__all__ = ["ROWS"]

NAN = float("nan")
F = np.array([1.0, 2.0, 3.0])
ONE: list[int] = [1]
NO_SETS: defaultdict[str, set[int]] = defaultdict(set)


def order(*items: tuple[Any, Any]) -> OrderedDict[Any, Any]:
    return OrderedDict(items)


SEQUENCES = (
    Row("list", [1, [2.0]], [1, [2.0]]),
    Row("lists in another order", [1, 2], [2, 1], "order-only"),
    Row("list that is too short", [1], [1, 2], "length"),
    Row("list that is too long", [1, 2], [1], "length"),
    Row("list that is too short and differs", [0], [1, 2], "length and value"),
    Row("list and tuple", [1], (1,), "type"),
    Row("list of True and 1", [True], [1], "type"),
    Row("list of 1 and 1.0", [1], [1.0], "type"),
    Row("list of both zeros", [0.0], [-0.0], "sign-of-zero"),
    Row("list with NaN", [NAN, 1], [NAN, 1]),
    Row("list with a part of its own", [ONE, ONE], [[1], [1]], note="identity"),
    Row("tuple", (1, NAN), (1, NAN)),
    Row("other tuple", (1, 2), (1, 3), "value"),
    Row("empty list and None", [], None, "type"),
    Row("list subclass", make_listed([1], "a"), make_listed([1], "a")),
    Row("other list subclass", make_listed([1], "a"), make_listed([2], "a"), "value"),
    Row("attributes of a list", make_listed([1], "a"), make_listed([1], "b"), "value"),
    Row("slot of a list", make_packed([1], "m"), make_packed([1], "s"), "value"),
    Row("list subclass and list", make_listed([1], "a"), [1], "type"),
    Row("list that hides its items", Hiding([1]), Hiding([2]), "value"),
    Row("list whose iteration has no end", Unending([1]), Unending([1])),
    Row("namedtuple", Pair(1), Pair(1)),
    Row("other namedtuple", Pair(1), Pair(2), "value"),
    Row("namedtuple of collections", Couple(1, NAN), Couple(1, NAN)),
    Row("namedtuple and tuple", Pair(1), (1, 0), "type"),
    Row("namedtuple of another type", Pair(1, 2), Couple(1, 2), "type"),
    Row("struct_time", time.gmtime(0), time.gmtime(0)),
    Row("other struct_time", time.gmtime(0), time.gmtime(1), "value"),
    Row(
        "struct_time of another zone",
        time.struct_time((*time.gmtime(0), "GMT", 0)),
        time.struct_time((*time.gmtime(0), "CET", 3600)),
        "value",
    ),
    Row("deque", deque([1], 3), deque([1], 3)),
    Row("other deque", deque([1]), deque([2]), "value"),
    Row("deque of another length", deque([1], 3), deque([1], 4), "value"),
    Row("deque with and without a length", deque([1], 3), deque([1]), "type"),
    Row("typed array", array.array("d", [1, NAN]), array.array("d", [1, NAN])),
    Row("other typed array", array.array("i", [1]), array.array("i", [2]), "value"),
    Row("typed array of another type", array.array("i"), array.array("d"), "value"),
    Row(
        "typed array of both zeros", array.array("d", [0]), array.array("d", [-0.0]), "sign-of-zero"
    ),
    Row("UserList", UserList([1]), UserList([1])),
    Row("UserList of True and 1", UserList([True]), UserList([1]), "type"),
)

SETS = (
    Row("set", {1, "a"}, {"a", 1}),
    Row("set that lacks one", {1}, {1, 2}, "missing"),
    Row("set with one more", {1, 2}, {1}, "extra"),
    Row("other set", {1}, {2}, "missing and extra"),
    Row("set of 1 and True", {1}, {True}, "missing and extra"),
    Row("set of 1 and 1.0", {1}, {1.0}, "missing and extra"),
    Row("set of both zeros", {0.0}, {-0.0}, "missing and extra"),
    Row("set with NaN", {NAN, 1.5}, {float("nan"), 1.5}),
    Row("set of objects", {Bare(x=1), Bare(x=2)}, {Bare(x=2), Bare(x=1)}),
    Row("other set of objects", {Bare(x=1)}, {Bare(x=2)}, "missing and extra"),
    Row("set of tuples", {(1, "a"), (2, "b")}, {(2, "b"), (1, "a")}),
    Row("set of tuples of 1 and True", {(1,)}, {(True,)}, "missing and extra"),
    Row("set and frozenset", {1}, frozenset({1}), "type"),
    Row("frozenset", frozenset("abc"), frozenset("cba")),
    Row("other frozenset", frozenset("abc"), frozenset("abd"), "missing and extra"),
    Row(
        "frozenset of texts",
        frozenset(f"text {i}" for i in range(50)),
        frozenset(f"text {i}" for i in reversed(range(50))),
    ),
    Row(
        "frozenset of frozensets", frozenset({frozenset({"a", "b"})}), frozenset({frozenset("ba")})
    ),
    Row("empty set and dict", set(), {}, "type"),
    Row("set that hides its items", Sealed({1}), Sealed({2}), "missing and extra"),
)

MAPPINGS = (
    Row("dict", {"a": 1, "b": [2]}, {"a": 1, "b": [2]}),
    Row("dict in another order", {"a": 1, "b": 2}, {"b": 2, "a": 1}, note="dict-order"),
    Row("dict that lacks one", {}, {"a": 1}, "missing"),
    Row("dict with one more", {"a": 1}, {}, "extra"),
    Row("dict with another key", {"a": 1}, {"b": 1}, "missing and extra"),
    Row("dict with another value", {"a": 1}, {"a": 2}, "value"),
    Row("dict with None and without", {"a": None}, {}, "extra"),
    Row("dict of keys 1 and 1.0", {1: 0}, {1.0: 0}, "missing and extra"),
    Row("dict of keys 1 and True", {1: 0}, {True: 0}, "missing and extra"),
    Row("dict of both zeros as keys", {0.0: 0}, {-0.0: 0}, "missing and extra"),
    Row("dict with a NaN key", {NAN: 1}, {float("nan"): 1}),
    Row("dict with another value of a NaN key", {NAN: 1}, {float("nan"): 2}, "value"),
    Row("dict with object keys", {Bare(x=1): 1}, {Bare(x=1): 1}),
    Row("dict with other object keys", {Bare(x=1): 1}, {Bare(x=2): 1}, "missing and extra"),
    Row("dict of arrays", {"a": F}, {"a": F.copy()}),
    Row("dict subclass that lies", Zeros(a=1), Zeros(a=2), "value"),
    Row("dict and OrderedDict", {}, OrderedDict(), "type"),
    Row("OrderedDict", order(("a", 1), ("b", 2)), order(("a", 1), ("b", 2))),
    Row(
        "OrderedDict in another order",
        order(("a", 1), ("b", 2)),
        order(("b", 2), ("a", 1)),
        "order-only",
    ),
    Row(
        "OrderedDict in another order with another value",
        order(("a", 1), ("b", 2)),
        order(("b", 3), ("a", 1)),
        "order-only and value",
    ),
    Row("OrderedDict with a NaN key", order((NAN, 1), ("b", 2)), order((NAN, 1), ("b", 2))),
    Row(
        "OrderedDict with another NaN key",
        order((NAN, 1), ("b", 2)),
        order((float("nan"), 1), ("b", 2)),
    ),
    Row("defaultdict", defaultdict(list, a=[1]), defaultdict(list, a=[1])),
    Row("defaultdict of another factory", defaultdict(list), NO_SETS, "value"),
    Row("defaultdict and dict", defaultdict(int, a=1), {"a": 1}, "type"),
    Row("Counter", Counter("ab"), Counter("ba"), note="dict-order"),
    Row("other Counter", Counter("ab"), Counter("abb"), "value"),
    Row("Counter with a zero", Counter(a=0), Counter(), "extra"),
    Row(
        "mapping proxy",
        types.MappingProxyType({"a": F}),
        types.MappingProxyType({"a": F.copy()}),
    ),
    Row(
        "other mapping proxy",
        types.MappingProxyType({"a": 1}),
        types.MappingProxyType({"a": 2}),
        "value",
    ),
    Row("UserDict with NaN", UserDict(a=NAN), UserDict(a=float("nan"))),
    Row("UserDict of True and 1", UserDict(a=True), UserDict(a=1), "type"),
    Row("ChainMap", ChainMap({"a": 1}), ChainMap({"a": 1})),
    Row("ChainMap of True and 1", ChainMap({"a": True}), ChainMap({"a": 1}), "type"),
    Row("keys of a dict", {"a": 1, "b": 2}.keys(), {"b": 2, "a": 1}.keys()),
    Row("keys of a dict of 1 and True", {1: 0}.keys(), {True: 0}.keys(), "missing and extra"),
    Row("items of a dict", {"a": 1}.items(), {"a": 1}.items()),
    Row(
        "items of a dict of 1 and True",
        {"a": 1}.items(),
        {"a": True}.items(),
        "type",
    ),
)

ROWS = (*SEQUENCES, *SETS, *MAPPINGS)
