"""Objects that do everything an object should not do while it is compared."""

from __future__ import annotations

import functools
import itertools
import threading
import types
import weakref
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import numpy as np

from .classes import Bare, Hiding, Judging, Point, Sealed, Stated, Trouble, Unending, Zeros
from .making import make_generator

__all__ = ["make_likes"]

ERRORS = (RuntimeError("no"), RecursionError(), SystemExit(3), MemoryError(), StopIteration())

#: The special methods that the language, or this package, may call on an object.
ASKED = (
    "__eq__",
    "__ne__",
    "__hash__",
    "__repr__",
    "__str__",
    "__format__",
    "__len__",
    "__iter__",
    "__bool__",
    "__getattr__",
    "__getattribute__",
    "__getstate__",
    "__reduce__",
    "__reduce_ex__",
    "__getitem__",
    "__contains__",
    "__sizeof__",
    "__copy__",
    "keys",
    "items",
    "copy",
)

ANSWERS: tuple[object, ...] = (
    None,
    NotImplemented,
    3,
    -1,
    "text",
    (),
    ("a",),
    (1, 2),
    (list, 3),
    (list, (), {}, None, 5),
    [1],
    b"x",
    1.5,
    float("nan"),
    np.ones(2),
    "a\n\x1b[31m\ud800",
    "x" * 100_000,
)


def answer(reply: object) -> Callable[..., Any]:
    def method(*arguments: object, **named: object) -> Any:
        if isinstance(reply, BaseException):
            raise reply
        return reply

    return method


@functools.cache
def make_class(base: type, name: str, number: int) -> type:
    """Return a class with one special method that returns something odd, or raises."""
    reply = (*ERRORS, *ANSWERS)[number]
    return type(f"Odd{base.__name__}", (base,), {name: answer(reply), "__module__": __name__})


BASES: tuple[type, ...] = (
    object,
    list,
    tuple,
    dict,
    set,
    frozenset,
    str,
    int,
    float,
    OrderedDict,
    Exception,
    Bare,
    Point,
    np.ndarray,
)


def make_odd(choose: Callable[[int], int]) -> Any:
    """Return an instance of such a class."""
    cls = make_class(
        BASES[choose(len(BASES))],
        ASKED[choose(len(ASKED))],
        choose(len(ERRORS) + len(ANSWERS)),
    )
    try:
        return cls(2) if issubclass(cls, int | Point | np.ndarray) else cls()
    except BaseException:  # creating an instance may call the odd method
        base: Any = cls.__mro__[1]
        return base.__new__(cls)


class Secretive(type):
    def __getattribute__(cls, name: str) -> Any:
        raise RuntimeError(f"{name} is a secret")


class Secret(metaclass=Secretive):
    """A class that rejects access to its attributes."""


class Unnamed:
    __module__ = 3  # type: ignore[assignment]
    __qualname__ = "x" * 5000


class Lying:
    """A class whose instances claim to be arrays."""

    __class__ = np.ndarray  # type: ignore[assignment]


class Answering:
    """A class that has every attribute."""

    def __getattr__(self, name: str) -> Any:
        return self


class Claiming:
    """A class that claims to be a record."""

    __dataclass_fields__ = 3
    __attrs_attrs__ = None
    _fields = 5


class Fields(tuple[Any, ...]):
    _fields = 5


class Endless:
    """A class whose state contains a new instance at every access."""

    def __getstate__(self) -> object:
        return {"next": Endless(), "other": Endless()}


class Fresh:
    """A class with another state at every access."""

    numbers = itertools.count()

    def __getstate__(self) -> object:
        return {str(next(self.numbers)): object() for _ in range(3)}


class Bad(Exception):
    @property
    def args(self) -> Any:  # type: ignore[override]
        raise RuntimeError("no arguments")


class Long:
    def __repr__(self) -> str:
        return "long " * 300_000


class Changing:
    """A class whose hash changes with every call."""

    numbers = itertools.count()

    def __hash__(self) -> int:
        return next(self.numbers)


class Empty:
    __eq__ = None  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


def loop_list() -> Any:
    ring: list[Any] = [1]
    ring.append({"back": ring, "again": (ring,)})
    return ring


def loop_object() -> Any:
    one, other = Bare(), Bare()
    vars(one).update(other=other, among={other, one})
    vars(other).update(one=one, table={one: other})
    return one


def loop_array() -> Any:
    ring = np.empty((1, 2), object)
    ring[0, 0], ring[0, 1] = ring, [ring]
    return ring


def loop_error() -> Any:
    error = ValueError()
    error.args = (error, [error])
    return error


def deep(wrap: Callable[[Any], Any], depth: int) -> Any:
    value: Any = wrap(())
    for _ in range(depth):
        value = wrap((value,))
    return value


def dead_proxy() -> Any:
    return weakref.proxy(Bare())


KEPT = Bare(x=1)


def released() -> Any:
    view = memoryview(b"abc")
    view.release()
    return view


def odd_attributes() -> Any:
    bare = Bare(x=1)
    vars(bare).update({"y" * 5000: 1, "\ud800\n": 2, "": 3})
    vars(bare)[3] = 4  # type: ignore[index]  # the purpose of this object
    return bare


def unwritable() -> Any:
    class Guarded(np.ndarray[Any, Any]):
        def __array_finalize__(self, other: object) -> None:
            if isinstance(other, np.ndarray) and other.size == 1:
                raise RuntimeError("no views")

    return np.arange(3).view(Guarded)


#: Functions that create nasty objects; two calls of one return objects of the same type.
MAKERS: tuple[Callable[[], Any], ...] = (
    *(cls for cls in (Secret, Unnamed, Lying, Answering, Claiming, Endless, Fresh, Bad, Long)),
    *(cls for cls in (Changing, Empty, object, threading.Lock, threading.Event)),
    *(lambda cls=cls: cls([1, 2]) for cls in (Fields, Hiding, Unending, Sealed, Stated, Judging)),
    *(lambda error=error: Judging(error) for error in ERRORS),
    lambda: Zeros(a=1),
    lambda: Secret,
    lambda: Secretive,
    lambda: Unnamed,
    loop_list,
    loop_object,
    loop_array,
    loop_error,
    lambda: deep(list, 2000),
    lambda: deep(tuple, 500),
    lambda: deep(frozenset, 300),
    lambda: deep(lambda parts: Bare(parts=parts), 300),
    lambda: {deep(tuple, 300): 1},
    dead_proxy,
    lambda: weakref.proxy(KEPT),
    lambda: weakref.ref(KEPT),
    released,
    odd_attributes,
    unwritable,
    make_generator,
    lambda: mock.MagicMock(name="mock"),
    mock.Mock,
    lambda: Trouble(Long()),  # type: ignore[arg-type]
    lambda: ValueError(Long(), Secret()),
    lambda: {Changing(): 1, Changing(): 2},
    lambda: {1: float("nan"), "1" * 5000: Secret()},
    lambda: defaultdict(Secret, a=Long()),
    lambda: types.SimpleNamespace(**{"a" * 5000: Long()}),
    lambda: types.MappingProxyType({Secret(): Secret()}),
    lambda: functools.partial(print, Long(), Secret()),
    lambda: np.array([Secret(), Long()], object),
    lambda: np.array([(Secret(), 1)], [("x" * 500, "O"), ("y", "f8")]),
    lambda: np.ma.array([Secret(), Long()], mask=[True, False], dtype=object),
    lambda: type("Local", (), {"__slots__": ("a", "b")})(),
    lambda: iter(()),
    lambda: {1: 2}.items(),
    lambda: 10**5000,
    lambda: "\ud800" * 1000,
    lambda: slice(Long(), Secret()),
)


def make_likes(choose: Callable[[int], int]) -> Iterator[Any]:
    """Yield nasty objects that are alike."""
    number = choose(2 * len(MAKERS))
    if number < len(MAKERS):
        while True:
            yield MAKERS[number]()
    picks: list[int] = []

    def pick(count: int) -> int:
        picks.append(choose(count))
        return picks[-1]

    yield make_odd(pick)
    while True:
        yield make_odd(functools.partial(next_of, iter(picks)))


def next_of(picks: Iterator[int], _: int) -> int:
    return next(picks)
