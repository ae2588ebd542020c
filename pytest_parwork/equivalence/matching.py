"""Which key, or element, of one collection is which of another."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .pairs import ABSENT, Relation
from .scalars import PLAIN, is_plainly_equal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

#: Types of which hash and `==` find every equal key.
_DECIDED = PLAIN - {float}


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Which key, or element, of one collection is which of the other."""

    pairs: Sequence[tuple[object, object]]
    missing: Sequence[object]
    extra: Sequence[object]


def match(actual: Collection[object], expected: Collection[object], relation: Relation) -> Matching:
    """Pair equal keys: by hash where that decides, else one by one.

    Hash and `==` say too much (`1 == True`) and too little: neither NaN nor an object without
    `__eq__` is found again after a journey.
    """
    twins = {key: key for key in expected}
    pairs: list[tuple[object, object]] = []
    strays: list[tuple[object, object]] = []
    for key in actual:
        twin = twins.get(key, ABSENT)
        if twin is ABSENT or not (is_plainly_equal(key, twin) or relation.holds(key, twin)):
            strays.append((key, twin))
        else:
            pairs.append((key, twin))
            del twins[key]
    if not strays or not twins:
        return Matching(pairs=pairs, missing=list(twins), extra=[key for key, _ in strays])
    extra = _match_strays(pairs, strays, twins, relation)
    if relation.tolerance is not None:
        extra = [key for key in extra if not _make_room(key, pairs, twins, relation, set())]
    position = {id(key): number for number, key in enumerate(actual)}
    pairs.sort(key=lambda pair: position[id(pair[0])])
    return Matching(pairs=pairs, missing=list(twins), extra=extra)


def _is_decided(key: object) -> bool:
    """Tell whether hash and `==` would have found an equal key."""
    if type(key) is tuple:
        return all(type(item) in _DECIDED for item in key)
    return type(key) in _DECIDED


def _match_strays(
    pairs: list[tuple[object, object]],
    strays: list[tuple[object, object]],
    twins: dict[object, object],
    relation: Relation,
) -> list[object]:
    """Move what fits from `strays` and `twins` to `pairs`; return the other strays.

    Beside each stray is the twin that hash found, and that is not its equal. What can be identified
    is paired by that, the rest one by one, until that takes too long.
    """
    extra: list[object] = []
    identified: defaultdict[bytes, deque[object]] = defaultdict(deque)
    others: dict[object, None] = {}
    for twin in twins:
        name = None if _is_decided(twin) else relation.identify(twin)
        if name is None:
            others[twin] = None
        else:
            identified[name].append(twin)
    for key, refused in strays:
        twin = ABSENT
        if not _is_decided(key):
            name = relation.identify(key)
            if name is None:
                twin = _find_twin(
                    key, (other for other in others if other is not refused), relation
                )
                others.pop(twin, None)
            elif identified[name]:
                twin = identified[name].popleft()
        if twin is ABSENT:
            extra.append(key)
        else:
            pairs.append((key, twin))
            del twins[twin]
    return extra


def _find_twin(key: object, others: Iterable[object], relation: Relation) -> object:
    """Return the first that fits, ABSENT if none does.

    ABSENT too once that took too long: nothing may pass that was not compared.
    """
    for twin in others:
        fits = relation.guess(key, twin)
        if fits is None:
            break
        if fits:
            return twin
    return ABSENT


def _make_room(
    key: object,
    pairs: list[tuple[object, object]],
    twins: dict[object, object],
    relation: Relation,
    tried: set[int],
) -> bool:
    """Give `key` the twin of another key, where that can do with another one.

    What is near to the same is not near to each other, so that the first that fits may be the
    only one that fits somebody else.
    """
    if _is_decided(key):
        return False
    for number, (other, twin) in enumerate(pairs):
        if number in tried or not relation.guess(key, twin):
            continue
        tried.add(number)
        left = _find_twin(other, twins, relation)
        if left is not ABSENT:
            del twins[left]
            pairs[number] = key, twin
            pairs.append((other, left))
            return True
        if _make_room(other, pairs, twins, relation, tried):
            pairs[number] = key, twin
            return True
    return False
