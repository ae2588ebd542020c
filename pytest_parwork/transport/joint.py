"""Which arguments of a call hold the same objects, and so have to be sent together.

Each argument is serialised on its own, because several tasks may share it. Of `f(node, [node])` the
list would arrive with another node than the first argument.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import BuiltinFunctionType, FunctionType

#: Types of objects that arrive as themselves, or whose identity nobody asks for.
_WITHOUT = frozenset({tuple, FunctionType, BuiltinFunctionType})

#: The memo of a pickler.
Memo = Mapping[int, tuple[int, object]]


class Holdings:
    """The objects that arguments hold, themselves included, as their picklers remember them."""

    def __init__(self) -> None:
        self._held: dict[int, tuple[object, Mapping[int, object]]] = {}  # by id, with each value

    def note(self, value: object, memo: Memo) -> None:
        """Note what a value holds; one that is not noted is taken to hold nothing.

        The objects are kept, so that no other ones get their ids.
        """
        parts = {part: found for part, (_, found) in memo.items() if _has_identity(found)}
        self._held[id(value)] = value, parts

    def linked(self, values: Sequence[object]) -> list[object]:
        """Return those different values that hold an object which another of them holds, too."""
        held = {id(value): self._held[id(value)] for value in values if id(value) in self._held}
        shared: set[int] = set()
        seen: set[int] = set()
        for _, parts in held.values():
            shared |= parts.keys() & seen
            seen |= parts.keys()
        return [value for value, parts in held.values() if shared and not shared.isdisjoint(parts)]


def _has_identity(part: object) -> bool:
    """Return whether a copy of a part is another thing.

    Classes that define equality and hash are those of values, by Python's data model: Enum, dtype.
    """
    cls = type(part)
    if cls in _WITHOUT or isinstance(part, type):
        return False
    return cls.__hash__ in (None, object.__hash__) or cls.__eq__ is object.__eq__
