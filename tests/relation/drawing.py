"""Values and pairs drawn by a random number generator, some thousands per second."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import random
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from .changing import change
from .classes import Bare, Color, Couple, Frozen, Pair, Pin, Plot, Point, Slotted
from .nasty import make_likes

__all__ = ["draw", "draw_pair"]

ATOMS: Sequence[Callable[[random.Random], Any]] = (
    lambda r: r.choice([None, True, False, 0, 1, -1, 2**64, 10**30]),
    lambda r: r.choice([0.0, -0.0, 1.0, math.nan, math.inf, -math.inf, 5e-324, 1e308, 0.1]),
    lambda r: r.uniform(-1, 1),
    lambda r: r.randrange(10),
    lambda r: r.choice(["", "a", "b", "\ud800", "{}", "é\n", b"", b"a", bytearray(b"a")]),
    lambda r: complex(r.choice([0.0, -0.0, 1.5, math.nan, 1e308]), r.choice([0.0, 1e308])),
    lambda r: r.choice([Decimal("1.0"), Decimal("NaN"), Fraction(1, 3), Color.RED, range(3), ...]),
    lambda r: r.choice([dt.datetime(2024, 1, 1), dt.time(1), dt.date(2024, 1, 1), dt.timedelta(1)]),
    lambda r: r.choice([np.float64(0.1), np.float32(0), np.int8(3), np.True_, np.str_("a")]),
)
KEYS: Sequence[Any] = ("a", "b", 1, 1.0, True, 0.0, -0.0, math.nan, None, (1,), (True,), "\ud800")
DTYPES = ("f8", "f4", "f2", "g", "c16", "i8", "u1", "?", "U2", "S2", "M8[s]", "m8[D]", ">f8", "V2")
RECORD = np.dtype([("x", "f8"), ("s", "U2"), ("o", "O")])


def draw_array(rng: random.Random) -> Any:
    shape = tuple(rng.randrange(4) for _ in range(rng.randrange(3)))
    dtype = np.dtype(rng.choice(DTYPES))
    size = math.prod(shape)
    raw = bytes(rng.choices((0, 0, 1, 65, 127, 240, 255), k=size * dtype.itemsize))
    if dtype.kind == "U":
        array = np.array([rng.choice(["", "a", "ab"]) for _ in range(size)], dtype)
    elif dtype.kind == "b":
        array = np.frombuffer(bytes(rng.choices((0, 1), k=size)), "?")
    else:
        array = np.frombuffer(raw, dtype)
    array = array.reshape(shape).copy("F" if rng.random() < 0.5 else "C")
    if array.ndim and rng.random() < 0.3:
        return np.repeat(array, 2, axis=-1)[..., ::2]
    if dtype.kind == "f" and rng.random() < 0.3:
        return np.ma.array(array, mask=np.frombuffer(bytes(rng.choices((0, 1), k=size)), "?"))
    return array


def draw_records(rng: random.Random, depth: int) -> Any:
    rows = [(rng.random(), rng.choice("ab"), draw(rng, depth)) for _ in range(rng.randrange(3))]
    return np.array(rows, RECORD)


def draw(rng: random.Random, depth: int = 3) -> Any:
    """Return a value with parts nested at most `depth` deep."""
    if depth == 0 or rng.random() < 0.3:
        return draw_array(rng) if rng.random() < 0.3 else rng.choice(ATOMS)(rng)
    size = rng.randrange(4)
    inner = [draw(rng, depth - 1) for _ in range(size)]
    held = np.empty(size, object)
    held[:] = inner
    keys = rng.sample(KEYS, size)
    one, other = draw(rng, 0), draw(rng, depth - 1)
    kind = rng.randrange(22)
    if kind < 8:
        return (
            inner,
            tuple(inner),
            deque(inner),
            held,
            [inner, inner],
            {*keys},
            frozenset(keys),
            (draw_records(rng, 0)),
        )[kind]
    if kind < 12:
        table = dict(zip(keys, inner, strict=True))
        return (table, OrderedDict(table), defaultdict(int, table), Counter(keys))[kind - 8]
    classes: list[Callable[[Any, Any], Any]] = [
        Pair,
        Couple,
        Point,
        Plot,
        Slotted,
        ValueError,
        lambda x, y: Bare(x=x, y=y),
        lambda x, y: {Bare(x=x), Bare(x=y)},
        lambda x, y: Frozen(y),
        lambda x, y: Pin(y),
    ]
    return classes[kind - 12](one, other)


def wrap(rng: random.Random, value: Any) -> Any:
    """Return a container of a value."""
    for _ in range(rng.randrange(3)):
        kind = rng.randrange(7)
        if kind == 6:
            try:
                value = {value}
            except BaseException:  # an unhashable value cannot be an element
                value = {1: value}
            continue
        value = ([value], (1, value), {"a": value}, Bare(x=value), Point(value), ValueError(value))[
            kind
        ]
    return value


def draw_pair(rng: random.Random) -> tuple[Any, Any, bool | None]:
    """Return two values, and whether they are equal, None if that is unknown."""
    kind = rng.randrange(10)
    value = draw(rng)
    if kind < 4:
        return change(value, rng.randrange)[0], value, False
    if kind < 6:
        return draw(rng), value, None
    likes = make_likes(rng.randrange)
    left, right = itertools.islice(likes, 2)
    if kind == 6:
        return wrap(rng, left), value, None
    state = rng.getstate()
    left = wrap(rng, left)
    rng.setstate(state)
    return left, wrap(rng, right), None
