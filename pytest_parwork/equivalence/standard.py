"""The comparers of classes whose `__eq__` is written in Python, in the standard library.

For their `==`, True equals 1 and 0.0 equals -0.0, while a NaN, an array, or an object without
`__eq__` that was pickled, equals nothing. So they are compared by what they hold.
"""

from __future__ import annotations

import sys
from collections import abc
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from .callables import find_global
from .containers import compare_mappings, compare_sets
from .pairs import ABSENT, Comparer, Finding, Relation, Remark, Unequal, compare_parts
from .records import read_contents

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Modules whose objects also hold what they looked up later: `==` does not ask for that.
_ASKED = {"traceback", "typing", "unittest.case"}


def find(cls: type) -> Comparer | None:
    """Return the comparer of such a class, or of one that inherits its `__eq__`; None for others.

    Those that are written in C have no attributes, so that only their `==` can compare them.
    """
    owner = find_owner(cls)
    if owner is abc.Mapping:
        return compare_mapping_items
    if owner in (abc.Set, WeakSet):
        return compare_mapping_items if issubclass(cls, abc.ItemsView) else compare_set_elements
    if _is_standard(owner) and isinstance(vars(owner).get("__eq__"), FunctionType):
        return partial(compare_parts, read_contents)
    return None


def _is_standard(owner: type) -> bool:
    """Return whether a class is defined in the standard library, and compared by what it holds.

    A class that `types.new_class` has made has the name of that module.
    """
    module = str(owner.__module__)
    if module in _ASKED or module.partition(".")[0] not in sys.stdlib_module_names:
        return False
    return find_global(module, owner.__qualname__) is owner


def find_owner(cls: type) -> type:
    """Return the class whose `__eq__` a class uses."""
    return next((owner for owner in cls.__mro__ if "__eq__" in vars(owner)), cls)


def compare_mapping_items(actual: Any, expected: Any, relation: Relation) -> Iterator[Finding]:
    """Compare the items, as `Mapping.__eq__` does."""
    since = relation.found
    yield from compare_mappings(read_items(actual), read_items(expected), relation)
    if relation.found == since:
        yield from _note_attributes(actual, expected, relation)


def read_items(value: Any) -> Mapping[Any, Any]:
    """Return the items of a mapping, or of a view of them."""
    return dict(value if isinstance(value, abc.ItemsView) else value.items())


def compare_set_elements(actual: Any, expected: Any, relation: Relation) -> Iterator[Finding]:
    """Compare the elements, as `Set.__eq__` does."""
    since = relation.found
    try:
        left, right = (dict.fromkeys(side).keys() for side in (actual, expected))
    except TypeError:  # an element without a hash
        yield from _compare_unhashable(list(actual), list(expected), relation)
    else:
        yield from compare_sets(left, right, relation)
    if relation.found == since:
        yield from _note_attributes(actual, expected, relation)


def _compare_unhashable(
    actual: list[object], expected: list[object], relation: Relation
) -> Iterator[Finding]:
    """Compare elements in any order, each with all others."""
    for element in actual:
        twins = (i for i, other in enumerate(expected) if relation.holds(element, other))
        number = next(twins, None)
        if number is None:
            yield Unequal("extra", element, ABSENT)
        else:
            del expected[number]
    for element in expected:
        yield Unequal("missing", ABSENT, element)


def _note_attributes(actual: object, expected: object, relation: Relation) -> Iterator[Remark]:
    """Yield a remark where two collections with equal contents differ in an attribute.

    Those of the standard library have attributes of their own.
    """
    cls = type(actual)
    if relation.is_inner or str(cls.__module__).partition(".")[0] in sys.stdlib_module_names:
        return
    if not relation.holds(read_contents(actual), read_contents(expected)):
        yield Remark("own-eq", f"equal by {find_owner(cls).__name__}.__eq__")
