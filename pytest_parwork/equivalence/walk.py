"""The walk through two values, pair by pair."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import field
from itertools import chain
from types import FunctionType
from typing import TypeAlias

from ..machine.deadline import TimedOut
from ..model.comparison import Comparison, Mismatch, Note, OwnComparison
from ..model.dataclass import dataclass
from . import (
    arrays,
    callables,
    containers,
    definitions,
    libraries,
    objects,
    records,
    scalars,
    standard,
)
from .gathering import KEPT
from .opaque import find_opaque
from .own import ask
from .pairs import (
    ATTRIBUTE,
    Comparer,
    Finding,
    Pair,
    Path,
    Remark,
    Tolerance,
    Unequal,
    render,
    render_note,
    render_path,
)
from .plain import PLAIN, is_plainly_equal
from .show import name_type, show

#: The largest depth: an object that creates a new part at every access has no end.
DEPTH = 50_000

#: The limit of parts (a few seconds) to try for keys and elements that hash and `==` do not find.
_GUESSES = 200_000

#: In addition to objects without `__eq__`: types for which it matters if two are one object.
_SHARED = {list, dict, set, deque, defaultdict, OrderedDict, Counter}

_Met: TypeAlias = dict[tuple[int, int], Pair]

#: Returns the digest that a value shares only with equal values, None if there is none.
_Digest: TypeAlias = Callable[[object], "bytes | None"]

Family: TypeAlias = Callable[[type], Comparer | None]

#: The families of comparers, in the order in which they are tried; the last accepts all classes.
FAMILIES: tuple[Family, ...] = (
    arrays.find,
    libraries.find,
    records.find,
    definitions.find,
    scalars.find,
    containers.find,
    callables.find,
    standard.find,
    objects.find,
)


def gather(
    actual: object,
    expected: object,
    policy: str,
    *,
    tolerance: Tolerance | None = None,
    dict_order: bool = False,
    own: OwnComparison | None = None,
    digest: _Digest | None = None,
) -> Comparison:
    """Return all mismatches by the policy of that name; `digest` must agree with the policy.

    It is not used with `own`, by which values may be equal without having the same digest.
    """
    if is_plainly_equal(actual, expected):
        return Comparison(policy=policy)
    kept: list[Mismatch] = []
    kinds: list[str] = []
    notes: list[Note] = []
    walk = Walk(
        tolerance=tolerance,
        dict_order=dict_order,
        own=own,
        digest=digest if own is None else None,
        effort=Effort(),
    )
    for finding, path in walk.take(actual, expected):
        if isinstance(finding, Remark):
            if len(notes) < KEPT:
                notes.append(render_note(finding, path))
            continue
        if isinstance(finding, Unequal) and finding.since is not None:
            del kinds[finding.since :], kept[finding.since :]
            walk.found = finding.since + 1
        kinds.append(finding.kind)
        if len(kept) < KEPT:
            kept.append(finding if isinstance(finding, Mismatch) else render(finding, path))
    return Comparison(
        mismatches=tuple(kept),
        count=len(kinds),
        policy=policy,
        classes=Counter(kinds),
        notes=tuple(notes),
    )


@dataclass(slots=True)
class Effort:
    """The number of parts that may still be compared to find out which belong together."""

    left: int = _GUESSES


@dataclass(frozen=True, slots=True)
class _Place:
    """Two parts whose findings are being processed, one after the other."""

    findings: Iterator[Finding]
    pair: Pair
    path: Path


@dataclass(slots=True, kw_only=True)
class Walk:
    """A walk through two values; comparers use it as their relation.

    `met` are the visited pairs with parts, `around` those of the walks that wait for this one: this
    walk assumes that they are equal. The pairs themselves are kept alive, because an id can be
    reused after its object is deleted. `partners` are the pairs in which an object of either side
    occurred first. `own` is asked first, about everything that is not plain.
    """

    tolerance: Tolerance | None
    dict_order: bool
    own: OwnComparison | None
    digest: _Digest | None
    effort: Effort
    found: int = 0
    around: tuple[_Met, ...] = ()
    is_guess: bool = False
    met: _Met = field(default_factory=dict)
    partners: tuple[dict[int, Pair], dict[int, Pair]] = field(default_factory=lambda: ({}, {}))

    def take(
        self, actual: object, expected: object
    ) -> Iterator[tuple[Unequal | Remark | Mismatch, Path]]:
        """Yield what is not equal, in the order of the values, with its path."""
        comparers: dict[type, Comparer] = {}
        # A stack of iterators replaces recursion, so that depth costs only memory.
        stack = [_Place(iter((Pair(actual, expected),)), Pair(None, None), None)]
        while stack:
            place = stack[-1]
            try:
                for finding in place.findings:
                    if isinstance(finding, Unequal | Remark):
                        self.found += isinstance(finding, Unequal)
                        yield finding, place.path
                        continue
                    left, right, form, key = finding
                    if is_plainly_equal(left, right):
                        continue
                    cls, path = type(left), (place.path, form, key) if form else place.path
                    if self.own is not None and cls not in PLAIN:
                        said = ask(self.own, left, right, render_path(path))
                        if said is not None:
                            self.found += len(said)
                            yield from ((mismatch, path) for mismatch in said)
                            continue
                    if cls is not type(right) and not is_same_class(cls, type(right)):
                        self.found += 1
                        yield Unequal("type", left, right, _describe_types), path
                        continue
                    if not self.around and _is_shared(cls):
                        yield from ((remark, path) for remark in self.note_identity(finding))
                    self.met[id(place.pair.actual), id(place.pair.expected)] = place.pair
                    if self.has_met(left, right):
                        continue
                    if len(stack) > DEPTH:
                        self.found += 1
                        yield Unequal("uncomparable", left, right, "too deep"), path
                        return  # its neighbours may be endless as well
                    if self.is_guess:
                        self.effort.left -= 1
                    comparer = comparers.get(cls)
                    if comparer is None:
                        comparer = comparers[cls] = find(cls)
                    findings = comparer(left, right, self)
                    if cls is not type(right):
                        findings = chain(_pair_classes(cls, type(right)), findings)
                    stack.append(_Place(findings, finding, path))
                    break
                else:
                    stack.pop()
            except (KeyboardInterrupt, GeneratorExit, TimedOut):
                raise
            except BaseException as error:  # from code of the values' classes, which may even exit
                if self.around and isinstance(error, RecursionError):
                    raise  # otherwise each walk that waits for this one would try again
                advice = f"comparing raised {show(error)}; compare with a function"
            else:
                continue  # a walk that is left inside the `except` keeps the values in a cycle
            self.found += 1
            yield Unequal("uncomparable", *place.pair[:2], advice), place.path

    @property
    def is_inner(self) -> bool:
        return bool(self.around)

    def note_identity(self, pair: Pair) -> Iterator[Remark]:
        """Yield a remark where one side has a new object and the other a repeated one."""
        partners = [
            known.setdefault(id(part), pair)
            for known, part in zip(self.partners, pair[:2], strict=True)
        ]
        if partners[0].expected is not pair.expected:
            yield Remark("identity", "one object in several places, expected one in each")
        if partners[1].actual is not pair.actual:
            yield Remark("identity", "an object of its own, expected one in several places")

    def has_met(self, actual: object, expected: object) -> bool:
        key = id(actual), id(expected)
        return key in self.met or any(key in met for met in self.around)

    def holds(self, actual: object, expected: object, /) -> bool:
        return self.decide(actual, expected, is_guess=self.is_guess)

    def guess(self, actual: object, expected: object, /) -> bool | None:
        self.effort.left -= 1
        return None if self.effort.left < 0 else self.decide(actual, expected, is_guess=True)

    def identify(self, value: object, /) -> bytes | None:
        return None if self.digest is None else self.digest(value)

    def decide(self, actual: object, expected: object, *, is_guess: bool) -> bool:
        """Walk through two parts, assuming that the pairs visited before are equal.

        If the parts are equal, so are the pairs that the inner walk visited, on the same
        assumption. Without it, a graph of objects that contain sets of one another would be walked
        along every path.
        """
        inner = Walk(
            tolerance=self.tolerance,
            dict_order=self.dict_order,
            own=self.own,
            digest=self.digest,
            effort=self.effort,
            around=(*self.around, self.met),
            is_guess=is_guess,
        )
        findings = inner.take(actual, expected)
        is_equal = all(isinstance(finding, Remark) for finding, _ in findings)
        if is_equal:
            self.met.update(inner.met)
        return is_equal


def find(cls: type) -> Comparer:
    """Return the comparer of a class."""
    found = (family(cls) for family in FAMILIES)
    comparer = next((each for each in found if each is not None), None)
    assert comparer is not None, "the last family accepts all classes"
    return comparer


def is_same_class(actual: type, expected: type) -> bool:
    """Compare by module and name, because a test module may be imported twice."""
    actual, expected = arrays.unify(actual), arrays.unify(expected)
    return (actual.__module__, actual.__qualname__) == (expected.__module__, expected.__qualname__)


def _is_shared(cls: type) -> bool:
    """Return whether it matters if two values of a class are one object."""
    own: object = cls.__eq__
    return cls in _SHARED or (own is object.__eq__ and not issubclass(cls, type | FunctionType))


def _pair_classes(actual: type, expected: type) -> Iterator[Finding]:
    """Yield the pair of two classes of one name, whose contents may differ."""
    actual, expected = map(arrays.unify, (actual, expected))
    if actual is not expected and find_opaque(actual) is None:
        yield Pair(actual, expected, ATTRIBUTE, "__class__")


def _describe_types(actual: object, expected: object) -> str:
    return f"type {name_type(type(actual))}, expected {name_type(type(expected))}"
