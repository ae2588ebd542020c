"""The arguments and the findings of a comparer."""

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
    """Two parts that must be equal; `form` and `key` are the step to them."""

    actual: object
    expected: object
    form: str = ""
    key: object = None


class Unequal(NamedTuple):
    """Two parts that are not equal; it is rendered as text only if the mismatch is kept.

    `difference` is a text, or a function of the two parts that returns one. `distance` is that of
    two numbers, or a function that returns it. `suffix` is added to the path. `since`, where given,
    is the number of earlier mismatches that remain: this one replaces all later ones.
    """

    kind: str
    actual: object
    expected: object
    difference: str | Callable[[Any, Any], str] = ""
    suffix: str = ""
    distance: Distance | Callable[[Any, Any], Distance | None] | None = None
    since: int | None = None


class Remark(NamedTuple):
    """A remark on two parts that are equal nevertheless."""

    kind: str
    text: str
    suffix: str = ""


class _Absent:
    """The placeholder for a part that one side does not have."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()


class Tolerance(Protocol):
    """The differences between floats that a policy admits."""

    def admits(self, actual: complex, expected: complex, /) -> bool: ...

    def admits_elements(self, actual: Any, expected: Any, /) -> Any:
        """Answer `admits` for each element of two arrays of one float or complex dtype."""

    def allow(self, actual: complex, expected: complex, /) -> str:
        """Describe the distance of two numbers that it does not admit, and the allowed one."""


class Relation(Protocol):
    """The equality relation that is being decided."""

    @property
    def tolerance(self) -> Tolerance | None: ...

    @property
    def dict_order(self) -> bool:
        """Whether the order of a dict's keys counts."""

    @property
    def found(self) -> int:
        """The number of mismatches so far."""

    @property
    def is_inner(self) -> bool:
        """Whether the answer is for a walk around this one, which drops remarks."""

    def holds(self, actual: object, expected: object, /) -> bool:
        """Decide the relation for two parts on their own."""

    def guess(self, actual: object, expected: object, /) -> bool | None:
        """Decide it for two parts that may not belong together; None once this took too long."""

    def identify(self, value: object, /) -> bytes | None:
        """Return the digest that a part shares only with equal parts, None if there is none."""


Finding: TypeAlias = Pair | Unequal | Remark

#: Compares two values of one type: yields the parts that must be equal, and what is unequal.
Comparer: TypeAlias = Callable[[Any, Any, Relation], Iterator[Finding]]

#: Reads the parts of a value that decide about its equality, by name.
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
    """Return the comparers for subclasses: by their contents, whatever their methods return."""
    return table | {
        base: partial(compare_contents, table[base], read) for base, read in contents.items()
    }


def add_attributes(comparer: Comparer, base: type = object) -> Comparer:
    """Return a comparer for a subclass of `base` whose instances also have attributes."""
    return partial(compare_with, comparer, partial(read_attributes, known=base))


def compare_parts(read: Reader, actual: object, expected: object, _: Relation) -> Iterator[Finding]:
    """Compare the parts that `read` returns for both."""
    yield from pair_attributes(read(actual), read(expected))


def compare_contents(
    comparer: Comparer,
    read: Callable[[Any], Any],
    actual: object,
    expected: object,
    relation: Relation,
) -> Iterator[Finding]:
    """Compare the results of `read` for both, by their own comparer."""
    yield from comparer(read(actual), read(expected), relation)


def compare_with(
    comparer: Comparer, read: Reader, actual: object, expected: object, relation: Relation
) -> Iterator[Finding]:
    """Compare by `comparer`, then the parts that `read` returns in addition."""
    yield from comparer(actual, expected, relation)
    yield from pair_attributes(read(actual), read(expected))


def read_attributes(value: object, known: type = object) -> dict[str, object]:
    """Return the instance's attributes: its `__dict__`, and its slots except those of `known`.

    The slots of a path, for example, hold how it was created, and cached results.
    """
    found = dict(getattr(value, "__dict__", {}))
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


def pair_changed(actual: dict[str, Any], expected: dict[str, Any]) -> Iterator[Finding]:
    """Yield the pairs of attributes, by name, without those that are one object on both sides.

    What two definitions share can be anything, even a lock, that has nothing else to compare.
    """
    same = {name for name in actual if name in expected and actual[name] is expected[name]}
    sides = ({n: side[n] for n in side if n not in same} for side in (actual, expected))
    yield from pair_attributes(*sides)


def pair_attributes(actual: dict[str, Any], expected: dict[str, Any]) -> Iterator[Finding]:
    """Yield the pairs of attributes, by name."""
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
    """Render a mismatch as texts."""
    difference = unequal.difference
    if callable(difference):
        try:
            difference = difference(unequal.actual, unequal.expected)
        except Exception:  # a subclass may forbid the arithmetic; omit the distance then
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
    """Render a note as texts."""
    return Note(
        path=render_path(path) + remark.suffix,
        kind=remark.kind,
        text=clip(remark.text, limit=_DIFFERENCE_LIMIT),
    )


def render_path(path: Path) -> str:
    """Write the steps as code, without the middle of a very long path."""
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
