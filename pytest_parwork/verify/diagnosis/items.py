"""The items that a body is given, and treatments that replace the content of some of them."""

from __future__ import annotations

import copy
import inspect
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, TypeAlias

from ...model.dataclass import dataclass
from ...transport.addresses import find
from .globals import names_in
from .treatments import Function
from .varied import Varied

#: The steps to a part of a result: keys of mappings, places in sequences.
Steps: TypeAlias = tuple[object, ...]

#: Bits of an item that is rounded: sums of many, and of their products, are exact.
BITS = 12

#: What stands for zero in place of the content of another item.
ZERO = -1


def items_of(body: Callable[..., object], given: Mapping[str, object]) -> dict[str, Any]:
    """Return the sequences of two items or more that a body gets or names, by name.

    They are its arguments, and globals of its module.
    """
    plain = inspect.unwrap(getattr(body, "__func__", body))
    code, names = getattr(plain, "__code__", None), getattr(plain, "__globals__", {})
    used = names_in(code) if code is not None else ()
    found = {**{name: names[name] for name in used if name in names}, **given}
    return {name: value for name, value in found.items() if _length(value) > 1}


def _length(value: Any) -> int:
    if isinstance(value, list | tuple):
        return len(value)
    return len(value) if is_array(value) and value.ndim else 0


def is_array(value: object) -> bool:
    """Return whether a value is an array of numbers of NumPy."""
    numpy: Any = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray) and value.dtype.kind in "biufc"


def floats_in(value: Any) -> list[float]:
    """Return the items of a sequence as floats, nothing if they are others."""
    if is_array(value):
        return [float(one) for one in value.ravel()] if value.dtype.kind == "f" else []
    is_float = all(type(one) is float for one in value)
    return list(value) if is_float else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Call a variant with other items, and return a part of its result.

    `contents` has, for each sequence by name, the item from which each place takes its content;
    `ZERO` stands for a zero. With `is_rounded`, floats in all of `rounded` have few bits.
    """

    steps: Steps = ()
    contents: Mapping[str, Mapping[int, int]]
    rounded: Sequence[str] = ()

    def __call__(self, function: Function) -> Function:
        """Return the function, called with the other items."""

        def call(*args: object, **kwargs: object) -> object:
            with ExitStack() as stack:
                for name in dict.fromkeys((*self.contents, *self.rounded)):
                    if name in kwargs:
                        kwargs[name] = self._changed(name, kwargs[name])
                    elif (names := _globals(function)) is not None:
                        stack.callback(names.__setitem__, name, names[name])
                        names[name] = self._changed(name, names[name])
                value = function(*args, **kwargs)
            return part_of(value, self.steps)

        return call

    def _changed(self, name: str, items: Any) -> Any:
        if name in self.rounded:
            items = rounded(items)
        contents = self.contents.get(name, {})
        if is_array(items):
            found = items.copy()
            for place, other in contents.items():
                found[place] = 0 if other == ZERO else items[other]
            return found
        given = list(items)
        for place, other in contents.items():
            given[place] = type(items[place])() if other == ZERO else copy.deepcopy(items[other])
        return given if type(items) is list else type(items)(given)


def _globals(function: Function) -> dict[str, Any] | None:
    if not isinstance(function, Varied):
        return None
    body = find(function.address)
    names: dict[str, Any] | None = getattr(
        inspect.unwrap(getattr(body, "__func__", body)), "__globals__", None
    )
    return names


def rounded(items: Any) -> Any:
    """Return floats with so few bits that no order of their sum rounds."""
    values = floats_in(items)
    largest = max((abs(one) for one in values if math.isfinite(one)), default=0.0)
    if not largest:
        return items
    unit = 2.0 ** (math.frexp(largest)[1] - BITS)
    if is_array(items):
        numpy: Any = sys.modules["numpy"]
        return (numpy.rint(items / unit) * unit).astype(items.dtype)
    return type(items)(round(one / unit) * unit if math.isfinite(one) else one for one in items)


def part_of(value: Any, steps: Steps) -> Any:
    """Return the part of a value to which the steps lead."""
    for step in steps:
        value = value[step]
    return value


def numbers_that_differ(actual: Any, expected: Any, steps: Steps = ()) -> Iterator[Steps]:
    """Yield the steps to each single number that differs; arrays and lists of many are none."""
    if is_number(actual) and is_number(expected):
        if actual != expected:
            yield steps
    elif isinstance(actual, dict) and isinstance(expected, dict):
        for key in actual.keys() & expected.keys():
            yield from numbers_that_differ(actual[key], expected[key], (*steps, key))
    elif isinstance(actual, list | tuple) and isinstance(expected, list | tuple):
        if len(actual) != len(expected):
            return
        for place, pair in enumerate(zip(actual, expected, strict=True)):
            yield from numbers_that_differ(*pair, (*steps, place))


def is_number(value: object) -> bool:
    """Return whether a value is a single real number."""
    numpy: Any = sys.modules.get("numpy")
    is_scalar = numpy is not None and isinstance(value, numpy.floating | numpy.integer)
    return is_scalar or (isinstance(value, int | float) and not isinstance(value, bool))
