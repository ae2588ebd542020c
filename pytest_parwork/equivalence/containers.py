"""The comparers of containers."""

from __future__ import annotations

import array
import operator
import types
from collections import Counter, OrderedDict, defaultdict, deque
from functools import partial
from typing import TYPE_CHECKING, Any

from .matching import Matching, match
from .pairs import (
    ABSENT,
    ITEM,
    Comparer,
    Finding,
    Pair,
    Reader,
    Relation,
    Remark,
    Unequal,
    compare_contents,
    compare_parts,
    compare_with,
    look_past,
    look_up,
)
from .plain import are_plainly_equal
from .show import show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

_KEY_LIMIT = 60


def find(cls: type) -> Comparer | None:
    """Return the comparer of a container, None for other classes."""
    if issubclass(cls, tuple) and cls.__eq__ is tuple.__eq__:
        if hasattr(cls, "_fields"):
            return partial(compare_parts, _read_named_tuple)
        if hasattr(cls, "n_sequence_fields"):
            return partial(compare_with, compare_sequences, _read_hidden)
    return look_up(_TABLE if cls in _TABLE else _INHERITED, cls)


def compare_sequences(
    actual: Sequence[object], expected: Sequence[object], relation: Relation
) -> Iterator[Finding]:
    if len(actual) != len(expected):
        yield Unequal("length", actual, expected, f"{len(actual)} items, expected {len(expected)}")
    if are_plainly_equal(actual, expected):
        return
    since = relation.found
    for index, (left, right) in enumerate(zip(actual, expected, strict=False)):
        yield Pair(left, right, ITEM, index)
    if relation.found > since + 1 and len(actual) == len(expected):
        names = [sorted(map(relation.identify, side), key=str) for side in (actual, expected)]
        if names[0] == names[1] and None not in names[0]:
            difference = f"the same {len(actual)} items in another order"
            yield Unequal("order-only", actual, expected, difference, since=since)


def _read_named_tuple(value: Any) -> dict[str, object]:
    return {
        "_fields": value._fields,
        **dict(zip(value._fields, tuple.__iter__(value), strict=False)),
        "__dict__": getattr(value, "__dict__", None),
    }


def _read_hidden(value: Any) -> dict[str, object]:
    """Read the fields that are not items, as in the result of `time.gmtime`."""
    return dict(value.__reduce__()[1][1])


def _read_view(value: memoryview) -> dict[str, object]:
    return {"format": value.format, "shape": value.shape, "tolist()": value.tolist()}


def _read_named(*names: str) -> Reader:
    """Return a reader of the attributes with these names."""
    return lambda value: {name: getattr(value, name) for name in names}


def compare_sets(
    actual: AbstractSet[object], expected: AbstractSet[object], relation: Relation
) -> Iterator[Finding]:
    matching = match(actual, expected, relation)
    for element in matching.missing:
        yield Unequal("missing", ABSENT, element, suffix=_write_element(element))
    for element in matching.extra:
        yield Unequal("extra", element, ABSENT, suffix=_write_element(element))


def _write_element(element: object) -> str:
    return "{" + show(element, limit=_KEY_LIMIT) + "}"


def compare_mappings(
    actual: Mapping[object, object], expected: Mapping[object, object], relation: Relation
) -> Iterator[Finding]:
    if relation.dict_order:
        yield from compare_ordered(actual, expected, relation)
        return
    matching = match(actual, expected, relation)
    yield from _compare_items(actual, expected, matching)
    if is_reordered(expected, matching):
        moved = (p for p in zip(matching.pairs, expected, strict=True) if p[0][1] is not p[1])
        (key, _), other = next(moved)
        sides = [show(side, limit=_KEY_LIMIT) for side in (key, other)]
        yield Remark("dict-order", f"keys in another order, {sides[0]} in the place of {sides[1]}")


def is_reordered(expected: Iterable[object], matching: Matching) -> bool:
    """Return whether two mappings have the same keys in another order."""
    if matching.missing or matching.extra:
        return False
    return any(map(operator.is_not, (twin for _, twin in matching.pairs), expected))


def compare_ordered(
    actual: Mapping[object, object], expected: Mapping[object, object], relation: Relation
) -> Iterator[Finding]:
    matching = match(actual, expected, relation)
    yield from _compare_items(actual, expected, matching)
    if is_reordered(expected, matching):
        yield Unequal("order-only", actual, expected, "the same keys in another order")


def _compare_items(
    actual: Mapping[object, object], expected: Mapping[object, object], matching: Matching
) -> Iterator[Finding]:
    for key, twin in matching.pairs:
        yield Pair(actual[key], expected[twin], ITEM, key)
    for key in matching.missing:
        yield Unequal("missing", ABSENT, expected[key], suffix=write_key(key))
    for key in matching.extra:
        yield Unequal("extra", actual[key], ABSENT, suffix=write_key(key))


def write_key(key: object) -> str:
    return ITEM.format(show(key, limit=_KEY_LIMIT))


_TABLE: dict[type, Comparer] = {
    list: compare_sequences,
    tuple: compare_sequences,
    deque: partial(compare_with, compare_sequences, _read_named("maxlen")),
    set: compare_sets,
    frozenset: compare_sets,
    dict: compare_mappings,
    Counter: compare_mappings,
    defaultdict: partial(compare_with, compare_mappings, _read_named("default_factory")),
    OrderedDict: compare_ordered,
    types.MappingProxyType: compare_mappings,
    array.array: partial(compare_with, compare_sequences, _read_named("typecode")),
    memoryview: partial(compare_parts, _read_view),
    slice: partial(compare_parts, _read_named("start", "stop", "step")),
    type({}.keys()): compare_sets,
    type({}.items()): partial(compare_contents, compare_mappings, dict),
    type({}.values()): partial(compare_contents, compare_sequences, list),
}

#: How to read the items of a container without methods that a subclass may override.
CONTENTS: dict[type, Callable[[Any], Any]] = {
    list: list.copy,
    tuple: lambda value: tuple.__getitem__(value, slice(None)),
    deque: lambda value: deque(deque.__iter__(value), value.maxlen),
    set: set,
    frozenset: frozenset,
    dict: dict.copy,
    Counter: dict.copy,
    defaultdict: lambda value: defaultdict(value.default_factory, dict.items(value)),
    OrderedDict: lambda value: OrderedDict(OrderedDict.items(value)),
    array.array: lambda value: array.array.__getitem__(value, slice(None)),
}

#: The comparers of subclasses.
_INHERITED = look_past(_TABLE, CONTENTS)
