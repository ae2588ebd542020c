"""The policy for items whose order does not matter: a multiset."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..machine.deadline import TimedOut
from ..model.comparison import Comparison
from ..model.dataclass import dataclass
from .containers import CONTENTS
from .digest import Digestion
from .gathering import KEPT
from .pairs import ABSENT, Relation, Unequal, render
from .show import ShownAsText
from .walk import Effort, Walk, gather, is_same_class

if TYPE_CHECKING:
    from ..model.comparison import OwnComparison


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Unordered(ShownAsText):
    """As `Exact`, but the items of a list, tuple, deque or array may come in any order."""

    def __str__(self) -> str:
        return "unordered()"

    def __call__(
        self, actual: object, expected: object, /, *, own: OwnComparison | None = None
    ) -> Comparison:
        """Compare exactly, as a whole, if there is no order, or if type, dtype or shape differ."""
        digest = Digestion().digest if own is None else None
        whole = gather(actual, expected, str(self), own=own, digest=digest)
        if whole:
            return whole
        try:
            left, right = _read_items(actual), _read_items(expected)
            if left is None or right is None or not _are_alike(actual, expected):
                return whole
        except (KeyboardInterrupt, TimedOut):
            raise
        except BaseException:  # from code of the values' classes, which may even exit
            return whole
        walk = Walk(tolerance=None, dict_order=False, own=own, digest=digest, effort=Effort())
        extra, missing = _pair_items(left, right, walk)
        found = [Unequal("extra", left[i], ABSENT, suffix=f"[{i}]") for i in extra]
        found += [Unequal("missing", ABSENT, right[i], suffix=f"[{i}]") for i in missing]
        classes = {"extra": len(extra), "missing": len(missing)}
        return Comparison(
            mismatches=tuple(render(unequal, None) for unequal in found[:KEPT]),
            count=len(found),
            policy=str(self),
            classes={kind: number for kind, number in classes.items() if number},
        )


def _read_items(value: Any) -> Sequence[object] | None:
    """Return the items (for an array, along its first axis), None for values without an order."""
    for base in (list, tuple, deque):
        if isinstance(value, base) and not hasattr(value, "_fields"):
            return tuple(CONTENTS[base](value))
    if getattr(value, "ndim", 0) > 0 and hasattr(value, "dtype") and hasattr(value, "strides"):
        return tuple(value[number] for number in range(value.shape[0]))
    return None


def _are_alike(actual: Any, expected: Any) -> bool:
    """Return whether two collections can have the same items, judging by their types."""
    names = ("dtype", "ndim")
    return is_same_class(type(actual), type(expected)) and all(
        getattr(actual, name, None) == getattr(expected, name, None) for name in names
    )


def _pair_items(
    actual: Sequence[object], expected: Sequence[object], relation: Relation
) -> tuple[list[int], list[int]]:
    """Return the numbers of the items that have no partner on the other side.

    Partners are found by digest; items without one are tried one by one, until this takes too long.
    """
    waiting: defaultdict[bytes | None, deque[int]] = defaultdict(deque)
    for number, item in enumerate(expected):
        waiting[relation.identify(item)].append(number)
    extra = []
    for number, item in enumerate(actual):
        candidates = waiting[relation.identify(item)]
        partner = next((n for n in candidates if _is_partner(item, expected[n], relation)), None)
        if partner is None:
            extra.append(number)
        else:
            candidates.remove(partner)
    return extra, sorted(number for numbers in waiting.values() for number in numbers)


def _is_partner(item: object, other: object, relation: Relation) -> bool:
    """Return whether two items are equal; False once this took too long, or went too deep."""
    try:
        return relation.identify(item) is not None or bool(relation.guess(item, other))
    except RecursionError:
        return False
