"""What a comparer is told, what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeAlias

from ..model.comparison import Mismatch, Note
from .floats import Distance
from .show import clip, show

#: The two forms of a step into a value.
ITEM = "[{}]"
ATTRIBUTE = ".{}"

#: The steps to a part of a value, innermost first: (the steps before, form, key).
Path: TypeAlias = "tuple[Path, str, object] | None"

_STEPS = 40
_KEY_LIMIT = 60
_DIFFERENCE_LIMIT = 1000


class Pair(NamedTuple):
    """Two parts that must be equal; `form` and `key` are the step that leads to them."""

    actual: object
    expected: object
    form: str = ""
    key: object = None


class Unequal(NamedTuple):
    """Two parts that are not equal; texts are made of it only if the mismatch is kept.

    `difference` is a text, or a function of the two parts that gives one, `distance` how far apart
    numbers are, or a function that says so; `suffix` is added to the path. `since`, where given,
    is how many mismatches of the relation this one leaves standing: it says all of the later ones.
    """

    kind: str
    actual: object
    expected: object
    difference: str | Callable[[Any, Any], str] = ""
    suffix: str = ""
    distance: Distance | Callable[[Any, Any], Distance | None] | None = None
    since: int | None = None


class Remark(NamedTuple):
    """Something worth knowing about two parts that are equal all the same."""

    kind: str
    text: str
    suffix: str = ""


class _Absent:
    """Stands for the part that one side does not have."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()


class Tolerance(Protocol):
    """What a policy admits between floats that are not the same."""

    def admits(self, actual: complex, expected: complex, /) -> bool: ...

    def admits_elements(self, actual: Any, expected: Any, /) -> Any:
        """Answer for each element of two arrays of one float or complex dtype."""

    def allow(self, actual: complex, expected: complex, /) -> str:
        """Say how far apart two numbers are that it does not admit, and how far they may be."""


class Relation(Protocol):
    """The relation that is being decided."""

    @property
    def tolerance(self) -> Tolerance | None: ...

    @property
    def dict_order(self) -> bool:
        """Whether the order of a dict's keys counts."""

    @property
    def found(self) -> int:
        """How many mismatches there are so far."""

    def holds(self, actual: object, expected: object, /) -> bool:
        """Decide it for two parts on their own."""

    def guess(self, actual: object, expected: object, /) -> bool | None:
        """Decide it for two parts that may not belong together; None once that took too long."""

    def identify(self, value: object, /) -> bytes | None:
        """Return what a part has in common with its equals alone, None if nothing tells."""


Finding: TypeAlias = Pair | Unequal | Remark

#: Compares two values of one type: yields the parts that must be equal, and what is not.
Comparer: TypeAlias = Callable[[Any, Any, Relation], Iterator[Finding]]

#: Reads, by name, what decides about a value.
Reader: TypeAlias = Callable[[Any], dict[str, Any]]


def look_up(table: dict[type, Comparer], cls: type) -> Comparer | None:
    """Return the comparer of `cls`, or of the base whose equality it inherits."""
    for base in cls.__mro__:
        comparer = table.get(base)
        if comparer is None:
            continue
        if cls is base:
            return comparer
        return add_attributes(comparer, base) if cls.__eq__ is base.__eq__ else None
    return None


def look_past(
    table: dict[type, Comparer], contents: dict[type, Callable[[Any], Any]]
) -> dict[type, Comparer]:
    """Return the comparers for subclasses: of what they hold, whatever their methods show."""
    return table | {
        base: partial(compare_contents, table[base], read) for base, read in contents.items()
    }


def add_attributes(comparer: Comparer, base: type = object) -> Comparer:
    """Return a comparer for a subclass of `base`, whose instances have attributes too."""
    return partial(compare_with, comparer, partial(read_attributes, known=base))


def compare_parts(read: Reader, actual: object, expected: object, _: Relation) -> Iterator[Finding]:
    """Compare all that `read` reads of both."""
    yield from pair_attributes(read(actual), read(expected))


def compare_contents(
    comparer: Comparer,
    read: Callable[[Any], Any],
    actual: object,
    expected: object,
    relation: Relation,
) -> Iterator[Finding]:
    """Compare what `read` makes of both, by the comparer of that."""
    yield from comparer(read(actual), read(expected), relation)


def compare_with(
    comparer: Comparer, read: Reader, actual: object, expected: object, relation: Relation
) -> Iterator[Finding]:
    """Compare by `comparer`, then what `read` reads besides."""
    yield from comparer(actual, expected, relation)
    yield from pair_attributes(read(actual), read(expected))


def read_attributes(value: object, known: type = object) -> dict[str, object]:
    """Return the instance's attributes: its `__dict__`, its slots but for those of `known`.

    The slots of a path, for one, hold how it was made and what it has worked out so far.
    """
    found = dict(getattr(value, "__dict__", {}))
    if isinstance(value, BaseException):
        found.pop("__notes__", None)  # they tell of the way, not of the result
    for base in type(value).__mro__:
        if issubclass(known, base):
            continue
        slots = vars(base).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name.startswith("__") and not name.endswith("__"):
                name = f"_{base.__name__.lstrip('_')}{name}"
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                found[name] = getattr(value, name)
    return found


def pair_attributes(actual: dict[str, Any], expected: dict[str, Any]) -> Iterator[Finding]:
    """Yield the attributes by name."""
    for name in actual:
        if name in expected:
            yield Pair(actual[name], expected[name], ATTRIBUTE, name)
    for name in expected:
        if name not in actual:
            yield Unequal("missing", ABSENT, expected[name], suffix=_write_attribute(name))
    for name in actual:
        if name not in expected:
            yield Unequal("extra", actual[name], ABSENT, suffix=_write_attribute(name))


def _write_attribute(name: object) -> str:
    return "." + (clip(name, limit=_KEY_LIMIT) if isinstance(name, str) else show(name))


def render(unequal: Unequal, path: Path) -> Mismatch:
    """Make the texts of a mismatch."""
    difference = unequal.difference
    if callable(difference):
        try:
            difference = difference(unequal.actual, unequal.expected)
        except Exception:  # a subclass may forbid the arithmetic; the mismatch stands without it
            difference = ""
    distance = unequal.distance
    if callable(distance):
        try:
            distance = distance(unequal.actual, unequal.expected)
        except Exception:
            distance = None
    return Mismatch(
        path=render_path(path) + unequal.suffix,
        kind=unequal.kind,
        actual=show(unequal.actual),
        expected=show(unequal.expected),
        difference=clip(difference, limit=_DIFFERENCE_LIMIT),
        **(distance._asdict() if distance is not None else {}),
    )


def render_note(remark: Remark, path: Path) -> Note:
    """Make the texts of a note."""
    return Note(
        path=render_path(path) + remark.suffix,
        kind=remark.kind,
        text=clip(remark.text, limit=_DIFFERENCE_LIMIT),
    )


def render_path(path: Path) -> str:
    """Write the steps as code, the middle of a very long path left out."""
    steps: list[tuple[str, object]] = []
    while path is not None:
        path, form, key = path
        if form:
            steps.append((form, key))
    steps.reverse()
    if len(steps) > _STEPS:
        middle = f"…{len(steps) - _STEPS} more…"
        steps[_STEPS // 2 : -_STEPS // 2] = [(ATTRIBUTE, middle)]
    return "".join(_render_step(form, key) for form, key in steps)


def _render_step(form: str, key: object) -> str:
    if form == ATTRIBUTE:
        return _write_attribute(key)
    return ITEM.format(show(key, limit=_KEY_LIMIT)) if form == ITEM else form
