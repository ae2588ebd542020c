"""Which arguments of a call hold the same objects, and so have to be sent together.

Each argument is serialised on its own, because several tasks may share it. Of `f(node, [node])` the
list would arrive with another node than the first argument.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import BuiltinFunctionType, FunctionType

#: Types of objects that arrive as themselves, or whose identity nobody asks for.
_WITHOUT = frozenset({tuple, FunctionType, BuiltinFunctionType})

#: The memo of a pickler.
Memo = Mapping[int, tuple[int, object]]


class Holdings:
    """What picklers remember of arguments: each object that these hold, themselves included."""

    def __init__(self) -> None:
        self._memos: dict[int, tuple[object, Memo]] = {}  # by id, with each value, to keep it

    def note(self, value: object, memo: Memo) -> None:
        """Note what a pickler remembers of a value; without that, it is taken to hold nothing."""
        self._memos[id(value)] = value, memo

    def linked(self, values: Sequence[object]) -> list[object]:
        """Return those different values that hold an object which another of them holds, too."""
        held = {id(value): self._memos[id(value)] for value in values if id(value) in self._memos}
        if len(held) < 2:
            return []
        times = Counter(part for _, memo in held.values() for part in memo)
        shared = {
            part
            for _, memo in held.values()
            for part, (_, found) in memo.items()
            if times[part] > 1 and _has_identity(found)
        }
        return [value for value, memo in held.values() if not shared.isdisjoint(memo)]


def _has_identity(part: object) -> bool:
    """Return whether a copy of a part is another thing.

    Classes that define equality and hash are those of values, by Python's data model: Enum, dtype.
    """
    cls = type(part)
    if cls in _WITHOUT or isinstance(part, type):
        return False
    return cls.__hash__ in (None, object.__hash__) or cls.__eq__ is object.__eq__
