"""Hypothesis strategies for values of every type that `exact` knows."""

from __future__ import annotations

import array
import datetime as dt
import pathlib
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any, TypeAlias

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from .classes import (
    Bare,
    Bits,
    Color,
    Couple,
    Custom,
    Frozen,
    Level,
    Pair,
    Pin,
    Plot,
    Point,
    Slotted,
)

__all__ = ["DICTS", "FEW", "KEYS", "NEAR", "VALUES"]

NAN = float("nan")

Strategy: TypeAlias = st.SearchStrategy[Any]

TEXT = st.text(st.characters(), max_size=5) | st.sampled_from(["\ud800", "a\nb", "\x00", "{}"])


def fold(value: Any) -> Strategy:
    return st.sampled_from([value, value.replace(fold=1)])


ZONES = st.none() | st.timezones() | st.just(dt.timezone(dt.timedelta(hours=1)))
ATOMS: Strategy = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**70),
    st.floats(),
    st.sampled_from([0.0, -0.0, NAN, float("inf"), 5e-324, 1e308]),
    st.complex_numbers(allow_nan=True),
    TEXT,
    st.binary(max_size=5),
)
SINGLES: Strategy = ATOMS | st.one_of(
    st.binary(max_size=5).map(bytearray),
    st.decimals(),
    st.fractions(),
    st.datetimes(timezones=ZONES).flatmap(fold),
    st.times(timezones=ZONES).flatmap(fold),
    st.dates(),
    st.timedeltas(),
    st.sampled_from([Color.RED, Color.BLUE, Level.LOW, Bits.A, Bits.A | Bits.C, Bits(0)]),
    st.builds(range, st.integers(-9, 9), st.integers(-9, 9), st.sampled_from([1, -2, 3])),
    st.builds(slice, st.none() | st.integers(), st.none() | st.floats()),
    st.uuids(),
    st.sampled_from(["a", "a/b", ".."]).map(pathlib.PurePosixPath),
    st.lists(st.floats(), max_size=3).map(lambda items: array.array("d", items)),
)

#: Values for keys and elements: some that hash finds again, and some that it does not.
KEYS: Strategy = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=4,
)


def lay_out(values: Any) -> Strategy:
    """Return arrays of the same elements in other memory layouts."""
    ways = [values, values.copy("F"), np.repeat(values[None], 2, 0)[1]]
    if values.ndim and values.dtype.isnative:  # pickle converts strided ones of other byte orders
        ways += [np.repeat(values, 2, axis=-1)[..., ::2], values[::-1].copy()[::-1]]
    return st.sampled_from(ways)


SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)


def keeps_order(dtype: Any) -> bool:
    """Return whether pickle keeps the byte order, which it changes to native for dates."""
    return dtype.isnative or not any(kind in str(dtype) for kind in ("M8", "m8"))


DTYPES: Strategy = (
    hnp.scalar_dtypes() | hnp.array_dtypes(max_size=3, allow_subarrays=False)
).filter(keeps_order)
ARRAYS: Strategy = hnp.arrays(DTYPES, SHAPES).flatmap(lay_out)
SCALARS: Strategy = hnp.scalar_dtypes().flatmap(hnp.from_dtype)
MASKED: Strategy = st.builds(
    lambda values, hidden: np.ma.array(values, mask=hidden),
    hnp.arrays("f8", (3,)),
    hnp.arrays("?", (3,)),
)


def hold(items: list[Any]) -> Any:
    """Return an array of objects."""
    held = np.empty(len(items), object)
    held[:] = items
    return held


def contain(inner: Strategy) -> Strategy:
    """Return a strategy for containers of other values."""
    items = st.lists(inner, max_size=4)
    dicts = st.dictionaries(KEYS, inner, max_size=4)
    return st.one_of(
        items,
        items.map(tuple),
        items.map(deque),
        items.map(hold),
        dicts,
        dicts.map(OrderedDict),
        dicts.map(lambda found: defaultdict(list, found)),
        st.sets(KEYS, max_size=4),
        st.frozensets(KEYS, max_size=4),
        st.lists(inner.map(lambda x: Bare(x=x)), max_size=3).map(set),
        st.lists(TEXT, max_size=5).map(Counter),
        *(st.builds(cls, inner, inner) for cls in (Pair, Couple, Point, Plot, Slotted)),
        *(st.builds(cls, inner) for cls in (Frozen, Pin)),
        st.builds(lambda x, y: Bare(x=x, y=y), inner, inner),
        st.builds(ValueError, inner),
        st.builds(lambda text, code: Custom(text, code=code), TEXT, st.integers()),
        inner.map(lambda part: [part, part]),
    )


VALUES: Strategy = st.recursive(SINGLES | ARRAYS | SCALARS | MASKED, contain, max_leaves=6)
DICTS: Strategy = st.dictionaries(TEXT, VALUES, min_size=1, max_size=4)

#: A small set, so that two draws are often equal, or nearly so.
FEW: Strategy = st.recursive(
    st.sampled_from([0, 0.0, -0.0, False, True, 1, 1.0, NAN, "a", b"a", None, np.float64(1)]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.lists(inner, max_size=2).map(tuple),
        st.dictionaries(st.sampled_from(["a", "b", 1, True, NAN]), inner, max_size=2),
        st.sets(st.sampled_from([0, 0.0, -0.0, False, NAN, (1,), (True,)]), max_size=2),
        st.builds(Bare, x=inner),
        inner.map(Point),
    ),
    max_leaves=3,
)

#: Floats a few steps apart, as they are and in containers.
STEPS = st.integers(0, 12).map(lambda n: 1.0 + n * 2.0**-52)
NEAR: Strategy = st.one_of(
    STEPS,
    st.builds(complex, STEPS, STEPS),
    st.lists(STEPS, min_size=3, max_size=3),
    st.lists(STEPS, min_size=3, max_size=3).map(np.array),
    st.sets(STEPS, min_size=3, max_size=3),
    st.sets(st.tuples(STEPS, st.booleans()), min_size=2, max_size=2),
    st.dictionaries(st.sampled_from("ab"), STEPS, min_size=2),
)
