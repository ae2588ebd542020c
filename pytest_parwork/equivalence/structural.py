"""The policies that compare values part by part: `exact`, and one per key."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..model.comparison import Comparison
from ..model.dataclass import dataclass
from ..model.errors import UsageError
from .gathering import at_step, merge
from .plain import is_plainly_equal
from .show import ShownAsText, name_type, show

if TYPE_CHECKING:
    from ..model.comparison import OwnComparison, Policy

_KEY_LIMIT = 60


#: The result of most comparisons, created once.
EQUAL = Comparison(policy="exact()")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Exact(ShownAsText):
    """The typed, structural relation, bitwise on numbers."""

    dict_order: bool = False

    def __str__(self) -> str:
        return "exact(dict_order=True)" if self.dict_order else "exact()"

    def __call__(
        self, actual: object, expected: object, /, *, own: OwnComparison | None = None
    ) -> Comparison:
        if is_plainly_equal(actual, expected) and not self.dict_order:
            return EQUAL
        return _compare_parts(actual, expected, str(self), own, dict_order=self.dict_order)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PerKey(ShownAsText):
    """A policy for each of some keys of a mapping; the other keys are compared exactly."""

    policies: Mapping[object, Policy]

    def __str__(self) -> str:
        items = (
            f"{show(key, limit=_KEY_LIMIT)}: {policy}" for key, policy in self.policies.items()
        )
        return f"{{{', '.join(items)}}}"

    def __call__(
        self, actual: object, expected: object, /, *, own: OwnComparison | None = None
    ) -> Comparison:
        """Compare the values of the keys, then the rest; UsageError for a missing key."""
        if type(actual) is not type(expected) or not isinstance(actual, dict):
            if isinstance(expected, dict):
                return _compare_parts(actual, expected, str(self), own)
            raise UsageError(
                f"compare={self} is for a dict, but the value is {show(expected)}"
                f" ({name_type(type(expected))}): return a dict, or give a single policy"
            )
        assert isinstance(expected, dict)
        unknown = [key for key in self.policies if key not in expected and key not in actual]
        if unknown:
            known = ", ".join(show(key, limit=_KEY_LIMIT) for key in expected) or "none"
            names = ", ".join(show(key, limit=_KEY_LIMIT) for key in unknown)
            raise UsageError(
                f"compare= has a policy for {names}, but the returned dict only has the keys: "
                f"{known}"
            )
        both = [key for key in self.policies if key in expected and key in actual]
        found = [
            at_step(self.policies[key](actual[key], expected[key], own=own), write_key(key))
            for key in both
        ]
        rest = _blank(actual, both), _blank(expected, both)
        found.append(_compare_parts(*rest, "", own))
        return merge(found, str(self))


def _compare_parts(
    actual: object,
    expected: object,
    policy: str,
    own: OwnComparison | None,
    *,
    dict_order: bool = False,
) -> Comparison:
    """Compare two values part by part, under the name of a policy."""
    # Imported here, because a session whose results are all plain needs none of the comparers.
    from .digest import Digestion
    from .walk import gather

    digest = None if dict_order else Digestion().digest
    return gather(actual, expected, policy, dict_order=dict_order, own=own, digest=digest)


def _blank(mapping: dict[Any, Any], keys: list[object]) -> dict[Any, Any]:
    """Return a copy of a mapping, of its own class, with None as the value of some keys.

    The keys are kept, because they and their order are compared as well.
    """
    rest = copy.copy(mapping)
    if rest is mapping:
        raise UsageError(f"{show(mapping)} cannot be copied: return a dict")
    for key in keys:
        dict.__setitem__(rest, key, None)
    return rest


def write_key(key: object) -> str:
    return f"[{show(key, limit=_KEY_LIMIT)}]"
