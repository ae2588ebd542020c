"""The classes of the values in the table."""

from __future__ import annotations

import argparse
import collections
import collections.abc
import copyreg
import dataclasses
import datetime
import enum
import itertools
import types
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import attrs
import numpy as np


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
    """A class whose `__eq__` returns a given answer."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def __eq__(self, other: object) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    __hash__ = None  # type: ignore[assignment]


class Weighed:
    """A class whose `__eq__` compares only a part."""

    def __init__(self, weight: object, label: str = "") -> None:
        self.weight = weight
        self.label = label

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Weighed) and self.weight == other.weight

    def __hash__(self) -> int:
        return hash(self.weight)


class Listed(list[Any]):
    label = ""


class Packed(list[Any]):
    """A list with a slot."""

    __slots__ = ("unit",)
    unit: str


class Hiding(list[Any]):
    """A list that hides its items."""

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (list.copy(self),)


class Unending(Hiding):
    """A list whose iteration has no end."""

    def __iter__(self) -> Iterator[Any]:
        return itertools.count()


class Zeros(dict[Any, Any]):
    """A dict that returns 0 for every key."""

    def __getitem__(self, key: object) -> int:
        return 0


class Sealed(set[Any]):
    """A set that hides its elements."""

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __reduce_ex__(self, protocol: Any) -> Any:
        return Sealed, (sorted(set(self)),)


class Agreeing(str):
    """A text for which `!=` is always false."""

    def __ne__(self, other: object) -> bool:
        return False


class Number(int):
    unit = ""


class Measure(np.float64):
    """A NumPy scalar with an attribute."""

    unit = ""

    def __reduce__(self) -> Any:
        return make_measure, (float(self), self.unit)


class Grid(np.ndarray[Any, Any]):
    """An array with an attribute."""

    label = ""

    def __array_finalize__(self, other: object) -> None:
        self.label = getattr(other, "label", "")

    def __reduce__(self) -> Any:
        return make_grid, (np.array(self), self.label)


class Veiled(np.ma.MaskedArray[Any, Any]):
    """A masked array with an attribute."""

    def __reduce__(self) -> Any:
        return make_veiled, (np.ma.MaskedArray(self.data, self.mask), vars(self).get("label", ""))


class Hour(datetime.tzinfo):
    """A time zone at a fixed number of hours, with a name."""

    def __init__(self, hours: int | None = None, name: str = "") -> None:
        self.hours = hours
        self.name = name

    def utcoffset(self, when: Any) -> datetime.timedelta | None:
        return None if self.hours is None else datetime.timedelta(hours=self.hours)

    def dst(self, when: Any) -> datetime.timedelta:
        return datetime.timedelta(0)

    def tzname(self, when: Any) -> str:
        return self.name


class OtherHour(Hour):
    """A time zone of another class."""


class Color(enum.Enum):
    RED = 1
    BLUE = 2
    CRIMSON = 1


class Level(enum.IntEnum):
    LOW = 1


class Bits(enum.Flag):
    A = 1
    B = 2
    C = 4


class Loose(enum.IntFlag):
    A = 1


@dataclasses.dataclass
class Point:
    x: object
    y: object = 0
    cache: object = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    x: object


class Labelled(Point):
    """A subclass that is not a dataclass itself."""


@dataclasses.dataclass
class Tagged(dict[Any, Any]):
    """A dict with a field."""

    tag: str = ""


@dataclasses.dataclass(init=False)
class Length(float):
    """A float with a field."""

    unit: str

    def __new__(cls, number: float, unit: str = "") -> Length:
        length = super().__new__(cls, number)
        length.unit = unit
        return length

    def __reduce__(self) -> Any:
        return Length, (float(self), self.unit)


@dataclasses.dataclass
class Trouble(Exception):
    """An exception with a field."""

    code: int


@attrs.define
class Plot:
    x: object
    y: object = 0
    cache: object = attrs.field(default=None, eq=False)


@attrs.frozen(slots=False)
class Pin:
    x: object


class Pair(NamedTuple):
    x: object
    y: object = 0


Couple = collections.namedtuple("Couple", "x y")


class Space(types.SimpleNamespace):
    """A namespace of the project."""


class Stated:
    """A class whose state is a list."""

    def __init__(self, state: object) -> None:
        self.state = state

    def __getstate__(self) -> object:
        return [self.state]

    def __setstate__(self, state: list[object]) -> None:
        (self.state,) = state


class Reduced:
    """A class with its own `__reduce__`."""

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments

    def __reduce__(self) -> Any:
        return Reduced, self.arguments


class Registered:
    """A class that is registered with copyreg."""

    def __init__(self, x: object) -> None:
        self.seen = object()
        self.x = x


copyreg.pickle(Registered, lambda value: (Registered, (value.x,)))


class Unpicklable:
    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("cannot pickle this")


class Named:
    """A class whose instances are pickled by a global name."""

    def __init__(self, name: str, module: str = __name__) -> None:
        self.name = name
        self.__module__ = module

    def __reduce__(self) -> str:
        return self.name


#: The object that unpickling `Named("NAMED")` returns.
NAMED = Named("NAMED")


class Undecided:
    """Leaves `==` to the identity, as classes do that compare themselves with some others only."""

    def __init__(self, x: int) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return NotImplemented

    __hash__ = object.__hash__


class Custom(Exception):
    def __init__(self, text: str, *, code: int) -> None:
        super().__init__(text)
        self.code = code

    def __reduce__(self) -> Any:
        return make_custom, (self.args[0], self.code)


def make_custom(text: str, code: int) -> Custom:
    return Custom(text, code=code)


def make_measure(number: float, unit: str) -> Measure:
    measure: Measure = Measure(number)
    measure.unit = unit
    return measure


def make_grid(values: Any, label: str) -> Grid:
    grid: Grid = np.asarray(values).view(Grid)
    grid.label = label
    return grid


def make_veiled(values: Any, label: str) -> Veiled:
    veiled: Veiled = values.view(Veiled)
    veiled.label = label  # type: ignore[attr-defined]  # as users do
    return veiled


class Table(collections.abc.Mapping[str, Any]):
    """A mapping with the `__eq__` of `Mapping`, and an attribute."""

    def __init__(self, label: str = "", /, **items: object) -> None:
        self.items_by_name = items
        self.label = label

    def __getitem__(self, name: str) -> Any:
        return self.items_by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.items_by_name)

    def __len__(self) -> int:
        return len(self.items_by_name)


class Elements(collections.abc.Set[Any]):
    """A set with the `__eq__` of `Set`."""

    def __init__(self, elements: Iterable[Any] = ()) -> None:
        self.elements = list(elements)

    def __contains__(self, element: object) -> bool:
        return element in self.elements

    def __iter__(self) -> Iterator[Any]:
        return iter(self.elements)

    def __len__(self) -> int:
        return len(self.elements)


class Labelling(argparse.Namespace):
    """A namespace of the project."""


class Worded(str):
    """A text of the project."""


class Measuring:
    """A class that is not equal to itself if it holds a NaN."""

    def __init__(self, number: float, unit: str = "") -> None:
        self.number = number
        self.unit = unit

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Measuring) and self.number == other.number

    def __hash__(self) -> int:
        return hash(self.unit)
