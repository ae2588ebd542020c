"""The comparers of all other objects."""

from __future__ import annotations

import copyreg
import io
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from ..machine.deadline import TimedOut
from .opaque import MOCK, find_opaque
from .pairs import (
    Comparer,
    Finding,
    Relation,
    Remark,
    Unequal,
    compare_parts,
    pair_attributes,
    read_attributes,
)
from .plain import is_bool
from .show import name_type
from .standard import find_owner

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The part that a global object has instead of a state.
NAME = "the global name"


def find(cls: type) -> Comparer:
    """Return the comparer of any class: its own `__eq__`, or its state."""
    own: object = cls.__eq__
    opaque = find_opaque(cls)
    if own is not object.__eq__ and opaque is not MOCK:
        return _compare_by_own_eq
    if issubclass(cls, io.BytesIO | io.StringIO):  # a file only by its methods
        return partial(compare_parts, _read_memory)
    if opaque is not None:
        return reject(f"{opaque.what} cannot be compared; {opaque.instead}")
    return compare_states


def reject(advice: str) -> Comparer:
    """Return a comparer that reports every pair as uncomparable, with advice."""

    def reject_both(actual: object, expected: object, _: Relation) -> Iterator[Finding]:
        yield Unequal("uncomparable", actual, expected, advice)

    return reject_both


def _compare_by_own_eq(actual: Any, expected: Any, relation: Relation) -> Iterator[Finding]:
    """Compare by `__eq__`, which must return a bool, or an array with `all()`.

    An array does not show which parts broadcasting has repeated or dropped, so the states must be
    equal as well.
    """
    if type(actual) is not type(expected):  # a class imported twice: `__eq__` knows only its own
        yield from compare_states(actual, expected, relation)
        return
    result = actual == expected
    answer = _decide(result)
    if result is False and _is_undecided(actual, expected):
        yield from compare_states(actual, expected, relation)
    elif not is_bool(answer):
        name = f"{name_type(type(actual))}.__eq__"
        advice = f"{name} returned {name_type(type(result))}, not a bool; compare with a function"
        yield Unequal("uncomparable", actual, expected, advice)
    elif not answer:
        if _is_unequal_by_a_part(actual) and _is_unequal_by_a_part(expected):
            yield from compare_states(actual, expected, relation)
        else:
            yield Unequal("value", actual, expected)
    elif answer is not result:
        yield from compare_states(actual, expected, relation)
    elif not _is_obviously_equal(actual, expected, relation):
        yield Remark("own-eq", f"equal by {find_owner(type(actual)).__name__}.__eq__")


def _decide(result: Any) -> Any:
    """Return the one answer of `==`, which may have returned an array."""
    return result.all() if not is_bool(result) and hasattr(result, "all") else result


def _is_unequal_by_a_part(value: object) -> bool:
    """Return whether a value is not even equal to itself because a part, such as a NaN, is not.

    Then `==` says nothing about the other value. Without such a part, it is the class that says so.
    """
    if _is_equal_to_itself(value):
        return False
    try:
        todo: list[object] = [*read_reduced(value).values()]
    except Exception:
        return False
    seen = set()
    while todo:
        part = todo.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, dict):
            todo += part.values()
        elif isinstance(part, list | tuple | set | frozenset):
            todo += part
        elif not _is_equal_to_itself(part):
            return True
    return False


def _is_equal_to_itself(value: Any) -> bool:
    try:
        answer = _decide(value == value)
    except Exception:
        return True
    return not is_bool(answer) or bool(answer)


def _is_undecided(actual: Any, expected: Any) -> bool:
    """Return whether both leave `==` to their identity, as classes without `__eq__` do."""
    own: Any = type(actual).__eq__
    return own(actual, expected) is NotImplemented and own(expected, actual) is NotImplemented


def _read_memory(file: io.BytesIO | io.StringIO) -> dict[str, object]:
    """Read what a file in memory holds, and where it is read or written next."""
    parts = read_attributes(file)
    if not file.closed:
        parts |= {"getvalue()": file.getvalue(), "tell()": file.tell()}
    return {**parts, "closed": file.closed}


def _is_obviously_equal(actual: object, expected: object, relation: Relation) -> bool:
    """Return whether two objects have equal states, so that it is not their `__eq__` alone.

    That of the standard library is trusted, where `standard` has no comparer for it.
    """
    module = find_owner(type(actual)).__module__
    if actual is expected or relation.is_inner:
        return True
    if str(module).partition(".")[0] in sys.stdlib_module_names:
        return True
    try:
        left, right = read_reduced(actual), read_reduced(expected)
        known = relation.identify(left), relation.identify(right)
        return known[0] == known[1] if None not in known else relation.holds(left, right)
    except (KeyboardInterrupt, TimedOut):
        raise
    except BaseException:  # what pickling runs may exit
        return False


def compare_states(actual: object, expected: object, _: Relation) -> Iterator[Finding]:
    """Compare the states that pickle would save."""
    try:
        left, right = read_reduced(actual), read_reduced(expected)
    except Exception as error:
        advice = f"{error}; return plain data, or compare with a function"
        yield Unequal("uncomparable", actual, expected, advice)
        return
    if NAME in left and left == right and actual is not expected:
        advice = f"two objects with the global name {left[NAME]!r}; return plain data"
        yield Unequal("uncomparable", actual, expected, advice)
    else:
        yield from pair_attributes(left, right)


def read_reduced(value: object) -> dict[str, object]:
    """Read the state that pickle would save: for a global object, its name."""
    reduced = reduce(value)
    if isinstance(reduced, str):
        return {NAME: reduced, "__module__": getattr(value, "__module__", None)}
    reduced = (*reduced, None, None, None)
    parts: dict[str, object] = {} if _is_plain(reduced) else {"__reduce__()": reduced[:2]}
    state = _read_state(reduced[2])
    parts |= {"__getstate__()": reduced[2]} if state is None else state
    for name, items in zip(("__iter__()", "items()"), reduced[3:], strict=False):
        if found := list(items or ()):  # those of subclasses of list and dict
            parts[name] = found
    return parts


def reduce(value: object) -> Any:
    """Return the reduced value, as pickle computes it, also by a function of `copyreg`."""
    reducer = copyreg.dispatch_table.get(type(value))
    return value.__reduce_ex__(2) if reducer is None else reducer(value)


def _is_plain(reduced: tuple[Any, ...]) -> bool:
    """Return whether an object is created from its class alone, which is compared already."""
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
