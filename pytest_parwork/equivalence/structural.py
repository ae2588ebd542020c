"""The policies that say how the parts of a value meet."""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..comparison import Comparison
from ..errors import UsageError
from .digest import Digestion
from .show import name_type, show
from .walk import KEPT, gather

if TYPE_CHECKING:
    from ..comparison import OwnComparison, Policy

__all__ = ["Exact", "PerKey"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Exact:
    """The typed, structural relation, bitwise on numbers."""

    dict_order: bool = False

    def __str__(self) -> str:
        return "exact(dict_order=True)" if self.dict_order else "exact()"

    __repr__ = __str__

    def __call__(
        self, actual: object, expected: object, /, *, own: OwnComparison | None = None
    ) -> Comparison:
        return gather(
            actual,
            expected,
            str(self),
            dict_order=self.dict_order,
            own=own,
            digest=None if self.dict_order else Digestion().digest,
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PerKey:
    """A policy for each of some keys of a mapping; the other keys are compared exactly."""

    policies: Mapping[object, Policy]

    def __str__(self) -> str:
        items = (f"{show(key, limit=60)}: {policy}" for key, policy in self.policies.items())
        return f"{{{', '.join(items)}}}"

    __repr__ = __str__

    def __call__(
        self, actual: object, expected: object, /, *, own: OwnComparison | None = None
    ) -> Comparison:
        """Compare the values of the keys, then the rest; UsageError for a key that is not there."""
        if type(actual) is not type(expected) or not isinstance(actual, MutableMapping):
            if isinstance(expected, MutableMapping):
                return gather(actual, expected, str(self), own=own, digest=Digestion().digest)
            raise UsageError(
                f"{self} needs a dict to look into, not {show(expected)}"
                f" ({name_type(type(expected))}): return one, or give one policy for the value"
            )
        assert isinstance(expected, MutableMapping)
        unknown = [key for key in self.policies if key not in expected and key not in actual]
        if unknown:
            known = ", ".join(show(key, limit=60) for key in expected) or "none"
            names = ", ".join(show(key, limit=60) for key in unknown)
            raise UsageError(f"compare= names {names}, no key of the value, which has {known}")
        both = [key for key in self.policies if key in expected and key in actual]
        found = [
            at_key(self.policies[key](actual[key], expected[key], own=own), key) for key in both
        ]
        rest = without(actual, both), without(expected, both)
        found.append(gather(*rest, "", own=own, digest=Digestion().digest))
        return merge(found, str(self))


def without(mapping: MutableMapping[Any, Any], keys: list[object]) -> MutableMapping[Any, Any]:
    """Return a copy of a mapping, of its own class, that lacks some keys."""
    rest = copy.copy(mapping)
    for key in keys:
        del rest[key]
    return rest


def at_key(comparison: Comparison, key: object) -> Comparison:
    """Return what was found below a key, with the paths from above it."""
    step = f"[{show(key, limit=60)}]"
    return replace(
        comparison,
        mismatches=tuple(replace(m, path=step + m.path) for m in comparison.mismatches),
        notes=tuple(replace(note, path=step + note.path) for note in comparison.notes),
    )


def merge(comparisons: list[Comparison], policy: str) -> Comparison:
    """Return all that was found by several comparisons, under the name of one policy."""
    classes: dict[str, int] = {}
    for comparison in comparisons:
        for kind, count in comparison.classes.items():
            classes[kind] = classes.get(kind, 0) + count
    mismatches = [m for comparison in comparisons for m in comparison.mismatches]
    notes = [note for comparison in comparisons for note in comparison.notes]
    return Comparison(
        mismatches=tuple(mismatches[:KEPT]),
        count=sum(comparison.count for comparison in comparisons),
        policy=policy,
        classes=classes,
        notes=tuple(notes[:KEPT]),
    )
