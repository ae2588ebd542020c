"""Which arguments of a call hold the same objects, and so have to be sent together.

Each argument is serialised on its own, because several tasks may share it. Of `f(node, [node])` the
list would arrive with another node than the first argument.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from types import BuiltinFunctionType, FunctionType
from typing import Any

from .pickling import ATOMS, SEARCHED, Interruptible, Themselves, make_pickler

#: Types of objects that arrive as themselves, or whose identity nobody asks for.
_WITHOUT = frozenset({tuple, FunctionType, BuiltinFunctionType})

_NOTHING: Mapping[int, object] = {}


class Holdings:
    """The objects that arguments hold, each looked at once."""

    def __init__(self, themselves: Themselves) -> None:
        self._themselves = themselves
        self._known: dict[int, tuple[object, Mapping[int, object]]] = {}  # with each, to keep it

    def linked(self, values: Sequence[object]) -> list[object]:
        """Return those different values that hold an object which another of them holds, too."""
        compound = {id(value): value for value in values if type(value) not in ATOMS}
        if len(compound) < 2:
            return []
        times: dict[int, int] = {}
        held = {key: self._of(value) for key, value in compound.items()}
        for found in held.values():
            for part in found:
                times[part] = times.get(part, 0) + 1
        shared = {part for part, count in times.items() if count > 1}
        if not shared:
            return []
        return [value for key, value in compound.items() if not shared.isdisjoint(held[key])]

    def _of(self, value: object) -> Mapping[int, object]:
        """Return what a value holds by id, itself included; nothing if it cannot be looked at."""
        if id(value) not in self._known:
            self._known[id(value)] = value, self._look(value)
        return self._known[id(value)][1]

    def _look(self, value: object) -> Mapping[int, object]:
        """Return the objects that a pickler remembers of a value.

        A long pickle is not looked at, as it would take as long as to send it.
        """
        cls = type(value)
        if (cls.__module__, cls.__qualname__) == ("numpy", "ndarray"):
            array: Any = value
            if not array.dtype.hasobject:
                return {id(value): value}
        file = _Short()
        pickler = make_pickler(file, lambda _: None, self._themselves)
        try:
            pickler.dump(value)
        except Exception:
            return _NOTHING
        remembered = [part for _, part in pickler.memo.copy().values()]
        return {id(part): part for part in remembered if _has_identity(part)}


def _has_identity(part: object) -> bool:
    """Return whether a copy of a part is another thing.

    Classes that define equality and hash are those of values, by Python's data model: Enum, dtype.
    """
    cls = type(part)
    if cls in _WITHOUT or isinstance(part, type):
        return False
    return cls.__hash__ in (None, object.__hash__) or cls.__eq__ is object.__eq__


class _Short(Interruptible):
    """A file that ends a pickle which becomes long."""

    def write(self, data: Any) -> int:
        """Write some bytes."""
        if self.tell() + len(data) > SEARCHED:
            raise io.UnsupportedOperation("a long pickle")
        return super().write(data)
