"""Rows of values whose `__eq__` is that of the standard library: they are what they hold."""

from __future__ import annotations

import argparse
import configparser
import inspect
import math
import statistics
import typing
from collections import OrderedDict, UserString
from collections.abc import Callable
from typing import Any
from unittest import mock
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

import numpy as np

from .classes import Bare, Elements, Labelling, Measuring, Table, Worded
from .row import Row

__all__ = ["ROWS"]

NAN = float("nan")
OTHER_NAN = float("nan")
F = np.arange(3)
KEPT = (Bare(x=1), Bare(x=1), Bare(x=2))
ORDERED = OrderedDict(a=1)


def spy(*arguments: Any, **named: Any) -> mock.Mock:
    """Return a mock that was called."""
    called = mock.Mock()
    called(*arguments, **named)
    called.part.deeper(*arguments)
    return called


def configured(number: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read_dict({"part": {"number": number}})
    return parser


def taking(default: object) -> Callable[..., None]:
    def take(first: int, second: object = default) -> None: ...

    return take


def signed(default: object) -> inspect.Signature:
    return inspect.signature(taking(default))


def bound(*arguments: object) -> inspect.BoundArguments:
    return signed(None).bind(*arguments)


def pair(name: str, make: Callable[[Any], object]) -> tuple[Row, ...]:
    """Return the rows of values that hold one of the same type, NaN, array, object, or zero."""
    return (
        Row(f"{name} with a number", make(1), make(1)),
        Row(f"{name} with another number", make(1), make(2), "value"),
        Row(f"{name} with 1 and True", make(1), make(True), "type"),
        Row(f"{name} with zeros", make(0.0), make(-0.0), "sign-of-zero"),
        Row(f"{name} with NaN", make(NAN), make(OTHER_NAN)),
        Row(f"{name} with an array", make(F), make(F.copy())),
        Row(f"{name} with another array", make(F), make(F + 1), "value"),
        Row(f"{name} with an object", make(Bare(x=1)), make(Bare(x=1))),
        Row(f"{name} with another object", make(Bare(x=1)), make(Bare(x=2)), "value"),
    )


ROWS = (
    *pair("Mapping", lambda part: Table(part=part)),
    *pair("Namespace", lambda part: argparse.Namespace(part=part)),
    *pair("subclass of Namespace", lambda part: Labelling(part=part)),
    *pair("Parameter", lambda part: signed(part).parameters["second"]),
    *pair("Signature", signed),
    *pair("BoundArguments", lambda part: bound(1, part)),
    *pair("call of a mock", lambda part: mock.call(1, part=part)),
    *pair("call of a method of a mock", lambda part: mock.call.part(part).deeper),
    *pair("calls of a mock", lambda part: spy(part).mock_calls),
    *pair("last call of a mock", lambda part: spy(a=part).call_args),
    *pair("Annotated", lambda part: typing.Annotated[int, [part]]),
    Row("mock", spy(1), spy(1), "uncomparable", reflexive=False, is_picklable=False),
    Row(
        "magic mock",
        mock.MagicMock(),
        mock.MagicMock(),
        "uncomparable",
        reflexive=False,
        is_picklable=False,
    ),
    Row("Mapping with other keys", Table(a=1), Table(b=1), "missing and extra"),
    Row("Mapping in another order", Table(a=1, b=2), Table(b=2, a=1), note="dict-order"),
    Row("other attribute of a Mapping", Table("m", a=1), Table("s", a=1), note="own-eq"),
    Row("items of a Mapping", Table(a=F).items(), Table(a=F.copy()).items()),
    Row("other items of a Mapping", Table(a=1).items(), Table(a=1.0).items(), "type"),
    Row("items of an OrderedDict", OrderedDict(a=F).items(), OrderedDict(a=F.copy()).items()),
    Row("values of an OrderedDict", OrderedDict(a=F).values(), OrderedDict(a=F.copy()).values()),
    Row("other values of an OrderedDict", ORDERED.values(), OrderedDict(a=2).values(), "value"),
    Row("keys of an OrderedDict", ORDERED.keys(), OrderedDict(a=2).keys()),
    Row("keys of a Mapping", Table(a=1).keys(), Table(a=2).keys()),
    Row("other keys of a Mapping", Table(a=1).keys(), Table(b=1).keys(), "missing and extra"),
    Row("Set", Elements([1, NAN]), Elements([1, OTHER_NAN])),
    Row("Set in another order", Elements([1, NAN]), Elements([OTHER_NAN, 1]), note="own-eq"),
    Row("Set of objects", Elements([Bare(x=1)]), Elements([Bare(x=1)])),
    Row("Set of another type", Elements([1]), Elements([True]), "missing and extra"),
    Row("Set of lists", Elements([[1], [NAN]]), Elements([[1], [OTHER_NAN]])),
    Row("Set of lists in another order", Elements([[1], [2]]), Elements([[2], [1]]), note="own-eq"),
    Row("Set of other lists", Elements([[1], [2]]), Elements([[1], [2.0]]), "missing and extra"),
    Row("weak set", WeakSet(KEPT[:1]), WeakSet(KEPT[1:2]), is_picklable=False),
    Row(
        "other weak set",
        WeakSet(KEPT[:1]),
        WeakSet(KEPT[2:]),
        "missing and extra",
        is_picklable=False,
    ),
    Row(
        "weak keys",
        WeakKeyDictionary({KEPT[0]: 1}),
        WeakKeyDictionary({KEPT[1]: 1}),
        is_picklable=False,
    ),
    Row(
        "weak values",
        WeakValueDictionary(a=KEPT[0]),
        WeakValueDictionary(a=KEPT[2]),
        "value",
        is_picklable=False,
    ),
    Row("ConfigParser", configured("1"), configured("1")),
    Row("other ConfigParser", configured("1"), configured("2"), "value"),
    Row("section", configured("1")["part"], configured("1")["part"]),
    Row("UserString", UserString("a"), UserString("a")),
    Row("UserString of another class", UserString("a"), UserString(Worded("a")), "type"),
    Row("NormalDist", statistics.NormalDist(1, NAN), statistics.NormalDist(1, OTHER_NAN)),
    Row(
        "other NormalDist",
        statistics.NormalDist(0.0, 1),
        statistics.NormalDist(-0.0, 1),
        "sign-of-zero",
    ),
    Row("values of a dict", {1: F}.values(), {1: F.copy()}.values()),
    Row("other values of a dict", {1: 1}.values(), {1: True}.values(), "type"),
    Row(
        "values of a dict in another order",
        {1: 1, 2: 2}.values(),
        {2: 2, 1: 1}.values(),
        "order-only",
    ),
    Row("import error", ImportError("no", name="a"), ImportError("no", name="a")),
    Row(
        "import error of another module",
        ImportError("no", name="a"),
        ImportError("no", name="b"),
        "value",
    ),
    Row("own eq of a NaN", Measuring(NAN), Measuring(OTHER_NAN)),
    Row("own eq of a NaN and another unit", Measuring(NAN, "m"), Measuring(NAN, "s"), "value"),
    Row("own eq of a NaN and a number", Measuring(NAN), Measuring(1.0), "value"),
    Row("own eq of a polynomial with a NaN", np.poly1d([1, math.nan]), np.poly1d([1, OTHER_NAN])),
    Row("union in another order", int | None, None | int),
    Row("Literal", typing.Literal[1, 2], typing.Literal[2, 1]),
    Row("Literal of another type", typing.Literal[1], typing.Literal[True], "type"),
    Row(
        "parameter of a signature",
        typing.ParamSpec("P"),
        typing.ParamSpec("P"),
        is_picklable=False,
    ),
    Row(
        "other parameter of a signature",
        typing.ParamSpec("P", covariant=True),
        typing.ParamSpec("P"),
        "value",
        is_picklable=False,
    ),
)
