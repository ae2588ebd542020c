"""Whether an object is the same value as another, whatever each has computed and kept meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from types import FunctionType
from typing import Any

from .pickling import ATOM_IDS, by_reference

#: Longer texts are hardly the names of anything.
INTERNED = 100


def pickled(value: object) -> bytes | None:
    try:
        return by_reference(value, protocol=5)
    except Exception:
        return None


def are_same(one: object, other: object) -> bool:
    """Return whether two objects are the same value; raises what their own comparison raises.

    Their pickles differ if one of them has computed what the other has not computed yet, or has a
    set in another order. Then equality, hash and public attributes decide, and so on for the parts.
    """
    cls = type(one)
    if type(other) is not cls:
        return False
    if isinstance(one, tuple) and isinstance(other, tuple) and cls is tuple:
        return len(one) == len(other) and all(map(are_same, one, other))
    if cls is frozenset:
        return one == other
    if (data := pickled(one)) is not None and data == pickled(other):
        return True
    if id(cls) in ATOM_IDS:
        return False
    if cls.__eq__ is object.__eq__:
        state = state_of(one)
        return all(type(part) is str for part in state.values()) and state == state_of(other)
    if not (one == other and hash(one) == hash(other)):
        return False
    mine, its = public_state(one), public_state(other)
    return mine.keys() == its.keys() and all(are_same(mine[name], its[name]) for name in mine)


def is_interned(text: str) -> bool:
    """Return whether this is the one object that all modules have for such a text.

    Texts that look like names are, where code spells them out.
    """
    return 1 < len(text) <= INTERNED and sys.intern("".join((text[:1], text[1:]))) is text


def is_one_object(value: Any) -> bool:
    """Return whether every process has one object for all such values."""
    return not value or (type(value) in (str, bytes) and len(value) == 1)


def state_of(value: object) -> Mapping[str, object]:
    """Return the attributes of an instance, those in slots included."""
    state: Mapping[str, object] = {}
    with suppress(AttributeError):
        state = object.__getattribute__(value, "__dict__")  # `list[int]` shows that of `list`
    names = [name for cls in type(value).__mro__ for name in _slots(cls)]
    if not names:
        return state
    found = {name: getattr(value, name) for name in names if hasattr(value, name)}
    return {**found, **state}


def is_empty(value: object) -> bool:
    """Return whether pickle finds no state either, such as that of a class written in C."""
    try:
        reduced: Any = object.__reduce_ex__(value, 2)
    except Exception:
        return False
    _, args, state, items, pairs = reduced
    return args == (type(value),) and not state and items is None and pairs is None


def public_state(value: object) -> Mapping[str, object]:
    """Return the public attributes of an instance, without those that its class computes.

    `functools.cached_property` and its kind keep a result in the instance, under their own name.
    """
    computed = frozenset(_computed(type(value)))
    return {
        name: part
        for name, part in state_of(value).items()
        if name[:1] != "_" and name not in computed
    }


def _slots(cls: type) -> Sequence[str]:
    slots: object = vars(cls).get("__slots__", ())
    names = [slots] if isinstance(slots, str) else list(slots)  # type: ignore[call-overload]
    return [name for name in names if name not in ("__dict__", "__weakref__")]


def _computed(cls: type) -> Iterator[str]:
    """Yield the names that only a class itself assigns: no attribute can be set by way of them."""
    found = {name: part for base in reversed(cls.__mro__) for name, part in vars(base).items()}
    for name, part in found.items():
        kind = type(part)
        is_read = hasattr(kind, "__get__") and kind is not FunctionType
        is_set = part.fset is not None if isinstance(part, property) else hasattr(kind, "__set__")
        if is_read and not is_set:
            yield name
