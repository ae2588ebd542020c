"""The results of comparisons: mismatches and notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Protocol, TypeAlias

from .dataclass import dataclass
from .errors import MismatchError
from .listing import WIDTH, shorten, tabulate
from .printable import make_printable, printable
from .public import public

#: Lines of a table of mismatches: a longer one adds nothing.
LINES = 11

#: Classes of mismatches that are evident from the two values.
EVIDENT = {"value", "outcome", "exception"}

#: The kind of a note on a serial run in a fresh process.
FRESH_PROCESS = "fresh-process"

#: The classes of mismatches, an open set, each with its meaning.
CLASSES: Mapping[str, str] = {
    "outcome": "one side returned, raised or skipped, and the other did something else",
    "exception": "both raised, but different exceptions",
    "type": "two types, by module and qualified name",
    "dtype": "two element types of an array, or byte orders",
    "shape": "two shapes of an array",
    "length": "two lengths of a sequence",
    "missing": "an expected part is missing",
    "extra": "a part that is not expected",
    "order-only": "the same items in another order",
    "sign-of-zero": "0.0 and -0.0",
    "≤4 ulp": "floats that are at most four steps of their number line apart",
    "value": "anything else",
    "policy": "the user's comparison function returned False or raised AssertionError",
    "uncomparable": "no comparison can decide whether they are equal",
}


@public()
@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One place where two outcomes differ.

    `path` reads like code, empty for the outcome as a whole: `['coef'][4]`, `.weight`. `kind` is
    one of `CLASSES`. `actual` and `expected` are bounded texts, as is `difference`, which says how
    far apart the two are.

    For numbers, `absolute`, `relative` and `ulp` are the largest errors: `relative` to the expected
    value, `ulp` in steps of the number line of their type. Each is None where it has no meaning.
    For arrays, `array` gives dtype and shape, `differing` of `size` elements differ, `indices` are
    the first five of them, and `at` is the index of the largest absolute error.
    """

    path: str
    kind: str
    actual: str
    expected: str
    difference: str = ""
    absolute: float | None = None
    relative: float | None = None
    ulp: int | None = None
    array: str = ""
    differing: int = 1
    size: int = 1
    indices: tuple[str, ...] = ()
    at: str = ""

    def __post_init__(self) -> None:
        make_printable(self, "path", "kind", "actual", "expected", "difference", "array", "at")
        if any(isinstance(text, str) and not text.isprintable() for text in self.indices):
            shown = tuple(printable(str(text)) for text in self.indices)
            object.__setattr__(self, "indices", shown)

    @property
    def description(self) -> str:
        """How far apart the two are; else the class of the mismatch, unless it is evident."""
        text = self.difference
        if not text and self.kind not in EVIDENT:
            text = self.kind
        elif not text and self.actual == self.expected:
            text = "not equal, although both look the same"
        return ": ".join(part for part in (self.array, text) if part)


@public()
@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A remark on two outcomes that is worth knowing but is not a difference.

    `kind` is `dict-order`, `nan-payload`, `identity`, `explicit-zeros`, `own-eq`, `input-changed`,
    `not-sent`, `skip-reason`, `fresh-process`, `native`, `rounding` or `again`.
    """

    path: str
    kind: str
    text: str

    def __post_init__(self) -> None:
        make_printable(self, "path", "kind", "text")


@public()
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Comparison:
    """All mismatches of one value, or of one run, against the reference; true when there is none.

    `mismatches` and `notes` are bounded; `count` is the true number of mismatches, and `classes`
    the true number in each class.
    """

    mismatches: tuple[Mismatch, ...] = ()
    count: int = 0
    policy: str = "exact()"
    classes: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        make_printable(self, "policy")

    @classmethod
    def different(cls, mismatch: Mismatch, policy: str) -> Comparison:
        """Return the comparison of two outcomes that differ in one place."""
        return cls(mismatches=(mismatch,), count=1, policy=policy, classes={mismatch.kind: 1})

    @property
    def passes_at(self) -> int | None:
        """The number of ulp that would admit all mismatches, None if none would; information."""
        steps = [mismatch.ulp for mismatch in self.mismatches]
        if not steps or self.count > len(steps) or None in steps:
            return None
        return max(step for step in steps if step is not None)

    def __bool__(self) -> bool:
        return self.count == 0

    def __str__(self) -> str:
        if self:
            return f"equal by {self.policy}"
        first = self.mismatches[0].path or "the value"
        return f"different by {self.policy} at {first}\n\n{self.list_mismatches()}"

    def __repr__(self) -> str:
        """Return the one line that pytest shows for `assert compare(a, b)`, above the table."""
        if self:
            return f"<Comparison: {self}>"
        first = self.mismatches[0]
        values = f"{shorten(first.actual, 40)}, expected {shorten(first.expected, 40)}"
        text = f"different by {self.policy} at {first.path or 'the value'}: {values}"
        return f"<Comparison: {text}{f', and {self.count - 1} more' if self.count > 1 else ''}>"

    def check(self) -> None:
        """Raise `MismatchError` with the table of mismatches, unless there is none."""
        __tracebackhide__ = True
        if not self:
            raise MismatchError(str(self))

    def list_mismatches(
        self,
        *,
        names: tuple[str, str] = ("expected", "actual"),
        width: int = WIDTH,
        lines: int | None = LINES,
        advice: str = "",
    ) -> str:
        """Return a table of mismatches by class, and the number in each class.

        `names` are the names of both sides, expected first. The table has at most `lines` lines;
        with None it lists all mismatches that were kept. `advice` says how to see those.
        """
        chosen = group_by_class(self.mismatches, None if lines is None else lines - 1)
        rows = [(m.path or "the value", m.expected, m.actual, m.description) for m in chosen]
        header = ("path", *names, "difference")
        table, shown = tabulate(header, rows, width=width, lines=lines), len(rows)
        if self.count == shown and len(self.classes) < 2:
            return table
        by_class = sorted(self.classes.items(), key=lambda item: -item[1])
        text = f"{self.count} mismatches: {', '.join(f'{n} {kind}' for kind, n in by_class)}"
        if shown < self.count:
            text += f"; {shown} shown"
            text += f" ({advice})" if advice and shown < len(self.mismatches) else ""
        return f"{table}\n\n  {text}"


def joined(first: Comparison, second: Comparison) -> Comparison:
    """Return one comparison with the mismatches and notes of both, by the policy of the first."""
    return Comparison(
        mismatches=(*first.mismatches, *second.mismatches),
        count=first.count + second.count,
        policy=first.policy,
        classes=Counter(first.classes) + Counter(second.classes),
        notes=(*first.notes, *second.notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The names of one of two compared runs in texts: `joblib-2`, and "the parallel run"."""

    name: str
    run: str


def group_by_class(mismatches: Sequence[Mismatch], most: int | None) -> list[Mismatch]:
    """Return at most `most` mismatches, class by class, evenly taken from all classes."""
    seen: Counter[str] = Counter()
    ranks = []
    for mismatch in mismatches:
        ranks.append(seen[mismatch.kind])
        seen[mismatch.kind] += 1
    classes = list(seen)
    chosen = sorted(range(len(ranks)), key=ranks.__getitem__)[:most]
    chosen.sort(key=lambda number: (classes.index(mismatches[number].kind), number))
    return [mismatches[number] for number in chosen]


#: A project's own comparison of two parts at a path: mismatches (none if equal), or None to leave
#: the parts to the default comparison.
OwnComparison: TypeAlias = Callable[[object, object, str], "Sequence[Mismatch] | None"]


@public()
class Policy(Protocol):
    """How two values are compared; see `pytest_parwork.equivalence`."""

    def __str__(self) -> str: ...

    def __call__(
        self, actual: object, expected: object, /, *, own: OwnComparison | None = None
    ) -> Comparison: ...
