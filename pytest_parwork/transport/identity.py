"""The arguments that are sent as themselves, because a copy of them would be another thing.

A test asks whether `value is MISSING`, and the copy that unpickling makes of a sentinel is not. So
these arrive as the very objects that the receiving process has, alone or inside of other values:

- what has no state, so that nothing but its identity is left: `object()`, an instance of a class
  without attributes;
- what a module holds under a name and a case cannot change: a value of a class that defines
  equality and hash, which Python's data model allows for immutable objects only, and whose items
  and public attributes are immutable as well; a marker that knows nothing but its own name; a text,
  bytes, a tuple or a frozenset, NaN or infinity;
- an interned text, which is one object wherever code spells it out.

Everything else stays a copy, whoever holds it: lists, dicts, arrays and instances with state.
"""

from __future__ import annotations

import io
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import Enum
from types import FunctionType
from typing import Any, NamedTuple

from ..model.errors import PayloadError
from ..model.work import Task
from .held import (
    COMMON,
    Held,
    class_name,
    class_places,
    find_held,
    get,
    ids,
    make_empty,
    places,
)
from .pickling import ATOM_IDS, ATOMS, by_reference, make_pickler
from .sameness import is_empty, is_interned, is_one_object, pickled, public_state, state_of

#: What a pickler writes for an object: a function that returns it, and its arguments.
Reduced = tuple[Callable[..., object], tuple[Any, ...]]

#: Types whose subclasses are copied, or sent by name: they have the contents of those.
_COPIED: tuple[Any, ...] = (
    *(type, Enum, BaseException, list, dict, set, bytearray),
    *(ATOMS - {bool, type(None)}),
)

#: Ids of built-in types whose values pickle sends without asking.
_SOUGHT = frozenset(map(id, (str, bytes, tuple, frozenset, float)))

_NO_HASH = (None, object.__hash__)

_PACKAGE = __name__.partition(".")[0]

#: Methods by which operators change an object: arrays of whatever library have one of them.
_CHANGING = ("__setitem__", "__delitem__", "__iadd__", "__ior__")


def find_kept(number: int) -> object:
    """Stand for an object of this process in a pickle that never leaves it."""
    raise PayloadError(f"object {number} is in another process")


class _Inherited:
    """The tasks that this process has while workers are forked from it, and that these inherit."""

    process = 0
    tasks: Sequence[Task] = ()
    found: dict[int, object] | None = None


@contextmanager
def inherited(tasks: Sequence[Task]) -> Iterator[None]:
    """Let workers that are forked inside the block find the objects of these tasks."""
    before = _Inherited.process, _Inherited.tasks
    _Inherited.process, _Inherited.tasks = os.getpid(), tasks
    try:
        yield
    finally:
        _Inherited.process, _Inherited.tasks = before


def find_inherited(process: int, number: int, cls: Any) -> object:
    """Return the object with that id in a process if this is a fork of it, else a new one."""
    if process == _Inherited.process:
        if _Inherited.found is None:
            identities = Identities(for_threads=True)
            for task in _Inherited.tasks:
                with suppress(Exception):  # what cannot be sent has an outcome already
                    nowhere = make_pickler(io.BytesIO(), lambda _: None, identities)
                    nowhere.dump((task.args, dict(task.kwargs)))
            _Inherited.found = {id(value): value for value in identities.kept}
        if number in _Inherited.found:
            return _Inherited.found[number]
    return make_empty(process, number, cls)


class Identities:
    """Recognises what is sent as itself; one for all values of a run.

    For threads, which share the memory, `kept` are these objects, in the order of their numbers,
    and `empty` those of them that have no state.
    """

    def __init__(self, *, for_threads: bool = False) -> None:
        self.kept: list[object] = []
        self.empty: list[object] = []
        self._is_local = for_threads
        self._places: dict[int, tuple[str, str]] | None = None
        self._class_places: dict[int, tuple[str, str]] | None = None
        self._kinds: dict[int, tuple[type, _Kind]] = {}  # with each class, to keep its id
        self._ids: set[int] | None = None
        self._found: dict[int, tuple[object, Reduced | None]] = {}  # with each, to keep its id

    def reduce(self, value: object) -> Reduced | None:
        """Return what is sent for an object that arrives as itself, None for any other."""
        cls = type(value)
        if id(cls) not in self._kinds:
            self._kinds[id(cls)] = cls, _Kind.of(cls)
        kind = self._kinds[id(cls)][1]
        if not kind.is_possible or not (kind.is_plain or self._is_held(value)):
            return None
        state = state_of(value)
        if not state and kind.is_plain and is_empty(value):
            if self._is_local:
                self.empty.append(value)
            return self._kept(value) if self._is_local else self._held(value, has_state=False)
        if not self._is_held(value):
            return None
        if kind.is_value:
            parts = value if isinstance(value, tuple | frozenset) else ()
            if not all(map(_is_immutable, (*parts, *public_state(value).values()))):
                return None
        elif not (kind.is_unequal and state and all(type(part) is str for part in state.values())):
            return None
        place = self._place(value)
        if place is None or not (_has_hash(value) if kind.is_value else _names(state, place[1])):
            return None
        return self._kept(value) if self._is_local else self._held(value, has_state=True)

    def reduce_definition(self, value: object) -> Reduced | None:
        """Return what is sent for a function or class that its module holds under another name.

        pickle looks for its own name only.
        """
        home = sys.modules.get(getattr(value, "__module__", None) or "")
        if home is None or home.__name__ == "__main__":
            return None
        held = list(vars(home).items())
        name = next((name for name, found in held if found is value), None)
        return None if name is None else (get, (home.__name__, name))

    def find(self, value: object) -> object:
        """Return what stands for a value of a built-in type in a pickle, None if a copy will do.

        That is a text itself if it is interned, so that it is interned where it arrives, else the
        pickle of a `Held`; in this process a number, as in `reduce`.
        """
        kind = id(type(value))
        if kind not in _SOUGHT:
            return None
        if self._is_local and kind in ATOM_IDS:
            self.kept.append(value)
            return len(self.kept) - 1
        if isinstance(value, str):
            if is_interned(value):
                return value
            if value.isidentifier() or value in sys.modules:  # where a pickle names a class
                return None
        elif isinstance(value, float) and math.isfinite(value):
            return None
        if is_one_object(value) or not self._is_held(value) or not _is_immutable(value):
            return None
        if id(value) not in self._found:
            reduced = self._kept(value) if self._is_local else self._held(value, has_state=True)
            self._found[id(value)] = value, reduced
        reduced = self._found[id(value)][1]
        if reduced is None:
            return None
        return reduced[1][0] if self._is_local else by_reference(reduced[1][0], protocol=5)

    def _is_held(self, value: object) -> bool:
        if self._ids is None:
            self._ids = ids()
        return id(value) in self._ids

    def _kept(self, value: object) -> Reduced:
        self.kept.append(value)
        return find_kept, (len(self.kept) - 1,)

    def _held(self, value: object, *, has_state: bool) -> Reduced | None:
        place = self._place(value, is_in_class=not has_state)
        if place is None:
            return None if has_state else (find_inherited, (os.getpid(), id(value), type(value)))
        copy = pickled(value)
        if copy is None and type(value).__eq__ is not object.__eq__:
            return None
        held = Held(
            module=place[0],
            name=place[1],
            cls=class_name(value),
            copy=copy,
            has_state=has_state and copy is not None,
        )
        return find_held, (held,)

    def _place(self, value: object, *, is_in_class: bool = False) -> tuple[str, str] | None:
        """Return the module that holds an object, perhaps in one of its classes, and its name."""
        if self._places is None:
            self._places = dict(places())
        place = self._places.get(id(value))
        if place is None and is_in_class:
            if self._class_places is None:
                self._class_places = dict(class_places())
            place = self._class_places.get(id(value))
        return place


class _Kind(NamedTuple):
    """What is known of all instances of a class.

    They may be empty if pickle itself reads their state (`is_plain`); `is_value` says that equality
    and hash are defined, `is_unequal` that each is only equal to itself.
    """

    is_plain: bool
    is_value: bool
    is_unequal: bool

    @property
    def is_possible(self) -> bool:
        """Whether any of them may be sent as itself."""
        return self.is_plain or self.is_value or self.is_unequal

    @classmethod
    def of(cls, given: Any) -> _Kind:
        """Examine a class."""
        is_ours = given.__module__.partition(".")[0] == _PACKAGE  # in a plan, for which none asks
        if is_ours or id(given) in COMMON or issubclass(given, _COPIED):
            return cls(False, False, False)
        is_plain = (
            given.__reduce_ex__ is object.__reduce_ex__
            and given.__reduce__ is object.__reduce__
            and not any(hasattr(given, n) for n in ("__getnewargs__", "__getnewargs_ex__"))
        )
        is_changed_by_operators = any(hasattr(given, name) for name in _CHANGING)
        is_value = given.__eq__ is not object.__eq__ and given.__hash__ not in _NO_HASH
        # Of its dtypes, which every array has, NumPy makes one object each.
        is_value &= given.__module__.partition(".")[0] != "numpy"
        return cls(
            is_plain,
            is_value and not is_changed_by_operators,
            given.__eq__ is object.__eq__ and not is_changed_by_operators,
        )


def _is_immutable(value: object) -> bool:
    cls = type(value)
    if cls is tuple or cls is frozenset:
        return all(map(_is_immutable, value))  # type: ignore[call-overload]  # one of the two
    is_known = id(cls) in ATOM_IDS or cls is type or cls is FunctionType
    return is_known or _has_hash(value)


def _has_hash(value: object) -> bool:
    """Return whether the hash of an object depends on its value."""
    try:
        return hash(value) not in (id(value), object.__hash__(value))
    except Exception:
        return False


def _names(state: Mapping[str, object], name: str) -> bool:
    """Return whether a state of texts only says under which name its object is held."""
    return any(_letters(name) in _letters(str(text)) for text in state.values())


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()
