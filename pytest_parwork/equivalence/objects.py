"""The comparers of all other objects."""

from __future__ import annotations

import collections.abc
import copyreg
import io
import threading
import types
from typing import TYPE_CHECKING, Any

from .arrays import is_bool
from .pairs import Comparer, Finding, Relation, Unequal, pair_attributes
from .show import name_type

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What has no value to compare, and what to return in its place.
_OPAQUE: tuple[tuple[tuple[type, ...], str], ...] = (
    ((types.GeneratorType,), "a generator cannot be compared; return list(...)"),
    ((types.AsyncGeneratorType,), "an async generator cannot be compared; return a list"),
    ((types.CoroutineType,), "a coroutine cannot be compared; return what it gives"),
    ((io.IOBase,), "a file cannot be compared; return its content"),
    (
        (type(threading.Lock()), type(threading.RLock())),
        "a lock cannot be compared; return the value that it guards",
    ),
    ((collections.abc.Iterator,), "an iterator cannot be compared; return list(...)"),
)


def find(cls: type) -> Comparer:
    """Return the comparer of any class: its own `__eq__`, or its state."""
    own: object = cls.__eq__
    if own is not object.__eq__:
        return _compare_by_own_eq
    for classes, advice in _OPAQUE:
        if issubclass(cls, classes):
            return refuse(advice)
    return compare_states


def refuse(advice: str) -> Comparer:
    """Return a comparer that compares nothing, and says what to do."""

    def refuse_both(actual: object, expected: object, _: Relation) -> Iterator[Finding]:
        yield Unequal("uncomparable", actual, expected, advice)

    return refuse_both


def _compare_by_own_eq(actual: Any, expected: Any, relation: Relation) -> Iterator[Finding]:
    """Ask the class, which must give a bool, or an array with `all()`.

    An array answer says nothing of parts that broadcasting has repeated or dropped, so then the
    states must be equal too.
    """
    if type(actual) is not type(expected):  # one class imported twice: its `__eq__` knows one
        yield from compare_states(actual, expected, relation)
        return
    result = answer = actual == expected
    if not is_bool(answer) and hasattr(answer, "all"):
        answer = answer.all()
    if not is_bool(answer):
        name = f"{name_type(type(actual))}.__eq__"
        advice = f"{name} gave {name_type(type(result))}, not a bool; compare with a function"
        yield Unequal("uncomparable", actual, expected, advice)
    elif not answer:
        yield Unequal("value", actual, expected)
    elif answer is not result:
        yield from compare_states(actual, expected, relation)


def compare_states(actual: object, expected: object, _: Relation) -> Iterator[Finding]:
    """Compare what pickle would take of both."""
    try:
        left, right = read_reduced(actual), read_reduced(expected)
    except Exception as error:
        advice = f"{error}; return plain data, or compare with a function"
        yield Unequal("uncomparable", actual, expected, advice)
        return
    yield from pair_attributes(left, right)


def read_reduced(value: object) -> dict[str, object]:
    """Read what pickle would take."""
    reduced = reduce(value)
    if isinstance(reduced, str):
        if not all(part.isidentifier() for part in reduced.split(".")):  # a lambda in a cache
            raise TypeError(f"it says that it can be had as {reduced!r}, which is no name")
        return {"__reduce__()": reduced, "__module__": getattr(value, "__module__", None)}
    reduced = (*reduced, None, None, None)
    parts: dict[str, object] = {} if _is_plain(reduced) else {"__reduce__()": reduced[:2]}
    state = _read_state(reduced[2])
    parts |= {"__getstate__()": reduced[2]} if state is None else state
    for name, items in zip(("__iter__()", "items()"), reduced[3:], strict=False):
        if found := list(items or ()):  # of subclasses of list, of dict
            parts[name] = found
    return parts


def reduce(value: object) -> Any:
    """Return what pickle makes of a value, also where another module told it how."""
    reducer = copyreg.dispatch_table.get(type(value))
    return value.__reduce_ex__(2) if reducer is None else reducer(value)


def _is_plain(reduced: tuple[Any, ...]) -> bool:
    """Tell whether an object is made by its class alone, which is compared already."""
    return reduced[0] is copyreg.__newobj__ and len(reduced[1]) == 1  # type: ignore[attr-defined]


def _read_state(state: object) -> dict[str, object] | None:
    """Return a state as attributes, None if it is something else."""
    if state is None:
        return {}
    parts = state if isinstance(state, tuple) and len(state) == 2 else (state,)
    merged: dict[str, object] = {}
    for part in parts:
        if part is None:
            continue
        if type(part) is not dict or not all(type(name) is str for name in part):
            return None
        if merged.keys() & part.keys():
            return None
        merged |= part
    return merged
