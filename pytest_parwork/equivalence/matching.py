"""The pairing of equal keys, or elements, of two collections."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING

from ..model.dataclass import dataclass
from .pairs import ABSENT, Relation
from .plain import PLAIN, is_plainly_equal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

#: Types for which hash and `==` find every equal key.
_DECIDED = PLAIN - {float}


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """The pairs of equal keys, or elements, of two collections, and those without a partner."""

    pairs: Sequence[tuple[object, object]]
    missing: Sequence[object]
    extra: Sequence[object]


def match(actual: Collection[object], expected: Collection[object], relation: Relation) -> Matching:
    """Pair equal keys: by hash where that decides, else one by one.

    Hash and `==` find too many (`1 == True`) and too few: they find neither a NaN nor an object
    without `__eq__` after it has been pickled and loaded.
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
    """Return whether hash and `==` would have found an equal key."""
    if type(key) is tuple:
        return all(type(item) in _DECIDED for item in key)
    return type(key) in _DECIDED


def _match_strays(
    pairs: list[tuple[object, object]],
    strays: list[tuple[object, object]],
    twins: dict[object, object],
    relation: Relation,
) -> list[object]:
    """Move equal keys from `strays` and `twins` to `pairs`; return the remaining strays.

    Each stray comes with the twin that its hash found, and that is not equal to it. Keys with a
    digest are paired by it, the others one by one, until that takes too long.
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
    for key, rejected in strays:
        twin = ABSENT
        if not _is_decided(key):
            name = relation.identify(key)
            if name is None:
                twin = _find_twin(
                    key, (other for other in others if other is not rejected), relation
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
    """Return the first equal key, ABSENT if there is none.

    Also ABSENT once the search has taken too long: nothing may pass that was not compared.
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
    """Give `key` the twin of another key, if that key can be paired with another one.

    With a tolerance, equality is not transitive: the first twin found for one key may be the only
    one for another.
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
