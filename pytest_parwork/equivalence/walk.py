"""The walk through two values, pair by pair."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from ..model import Comparison
from . import arrays, callables, containers, objects, records, scalars
from .pairs import Comparer, Finding, Pair, Path, Tolerance, Unequal, render
from .scalars import is_plainly_equal
from .show import name_type, show

__all__ = ["FAMILIES", "gather"]

#: So many mismatches are kept; all are counted.
KEPT = 100

#: An object that makes a new part of itself at every look has no end.
DEPTH = 200_000

#: So many parts (a few seconds) are spent on keys and elements that hash and `==` do not find.
GUESSES = 200_000

Met: TypeAlias = dict[tuple[int, int], Pair]

Family: TypeAlias = Callable[[type], Comparer | None]

#: The families of comparers, asked in this order for the one of a class; the last knows all.
FAMILIES: tuple[Family, ...] = (
    arrays.find,
    records.find,
    scalars.find,
    containers.find,
    callables.find,
    objects.find,
)


def gather(actual: object, expected: object, tolerance: Tolerance | None) -> Comparison:
    """Return all mismatches, under the name of the exact policy."""
    if is_plainly_equal(actual, expected):
        return Comparison()
    kept = []
    count = 0
    for unequal, path in Walk(tolerance=tolerance, effort=Effort()).take(actual, expected):
        count += 1
        if count <= KEPT:
            kept.append(render(unequal, path))
    return Comparison(mismatches=tuple(kept), count=count)


@dataclass(slots=True)
class Effort:
    """How many more parts may be looked at to find out what belongs together."""

    left: int = GUESSES


@dataclass(frozen=True, slots=True)
class Place:
    """Two parts whose findings are being taken, one after the other."""

    findings: Iterator[Finding]
    pair: Pair
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A walk through two values; the comparers on its way see it as their relation.

    `met` are the pairs with parts so far, `around` those of the walks that wait for this one: they
    are equal as far as this walk is concerned. The pairs themselves are kept, because an id is
    given again when its owner is gone.
    """

    tolerance: Tolerance | None
    effort: Effort
    around: tuple[Met, ...] = ()
    is_guess: bool = False
    met: Met = field(default_factory=dict)

    def take(self, actual: object, expected: object) -> Iterator[tuple[Unequal, Path]]:
        """Yield what is not equal, in the order of the values, with its path.

        A stack of iterators takes the place of recursion, so that depth costs memory only.
        """
        comparers: dict[type, Comparer] = {}
        stack = [Place(iter((Pair(actual, expected),)), Pair(None, None), None)]
        while stack:
            place = stack[-1]
            try:
                for finding in place.findings:
                    if isinstance(finding, Unequal):
                        yield finding, place.path
                        continue
                    left, right, form, key = finding
                    if is_plainly_equal(left, right):
                        continue
                    cls = type(left)
                    path = (place.path, form, key) if form else place.path
                    if cls is not type(right) and not is_same_class(cls, type(right)):
                        yield Unequal("type", left, right, describe_types), path
                        continue
                    self.met[id(place.pair.actual), id(place.pair.expected)] = place.pair
                    if self.has_met(left, right):
                        continue
                    if len(stack) > DEPTH:
                        yield Unequal("uncomparable", left, right, "too deep"), path
                        continue
                    if self.is_guess:
                        self.effort.left -= 1
                    comparer = comparers.get(cls)
                    if comparer is None:
                        comparer = comparers[cls] = find(cls)
                    stack.append(Place(comparer(left, right, self), finding, path))
                    break
                else:
                    stack.pop()
            except Exception as error:  # by code of the values' classes: what raises is unknown
                advice = f"comparing raised {show(error)}; compare with a function"
                yield Unequal("uncomparable", *place.pair[:2], advice), place.path

    def has_met(self, actual: object, expected: object) -> bool:
        key = id(actual), id(expected)
        return key in self.met or any(key in met for met in self.around)

    def holds(self, actual: object, expected: object, /) -> bool:
        return self.decide(actual, expected, is_guess=self.is_guess)

    def guess(self, actual: object, expected: object, /) -> bool | None:
        self.effort.left -= 1
        return None if self.effort.left < 0 else self.decide(actual, expected, is_guess=True)

    def decide(self, actual: object, expected: object, *, is_guess: bool) -> bool:
        """Walk through two parts, on the understanding that what was met before is equal.

        What the inner walk met is then equal too, on the same understanding: without it a graph
        of objects that hold sets of one another would be walked along every path.
        """
        inner = Walk(
            tolerance=self.tolerance,
            effort=self.effort,
            around=(*self.around, self.met),
            is_guess=is_guess,
        )
        is_equal = next(inner.take(actual, expected), None) is None
        if is_equal:
            self.met.update(inner.met)
        return is_equal


def find(cls: type) -> Comparer:
    """Return the comparer of a class."""
    comparer: Comparer | None = None
    for family in FAMILIES:
        comparer = family(cls)
        if comparer is not None:
            break
    assert comparer is not None, "the last family knows all classes"
    return comparer


def is_same_class(actual: type, expected: type) -> bool:
    """Compare by module and name, because a test module may be imported twice."""
    actual, expected = arrays.unify(actual), arrays.unify(expected)
    return (actual.__module__, actual.__qualname__) == (expected.__module__, expected.__qualname__)


def describe_types(actual: object, expected: object) -> str:
    return f"type {name_type(type(actual))}, expected {name_type(type(expected))}"
