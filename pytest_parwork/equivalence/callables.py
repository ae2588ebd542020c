"""The comparers of callables."""

from __future__ import annotations

import types
from functools import partial
from typing import TYPE_CHECKING, Any

from .pairs import Comparer, Finding, Relation, Unequal, compare_parts, pair_attributes

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The attributes of code that count, in addition to its constants; file and columns do not.
CODE = (
    "co_name",
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_flags",
    "co_firstlineno",
    "co_code",
    "co_names",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
    "co_exceptiontable",  # from Python 3.11 on
)


def find(cls: type) -> Comparer | None:
    """Return the comparer of functions and methods, None for other classes."""
    if issubclass(cls, types.BuiltinFunctionType):  # some methods belong to a subclass
        return compare_builtins
    return _TABLE.get(cls)


def compare_functions(
    actual: types.FunctionType, expected: types.FunctionType, _: Relation
) -> Iterator[Finding]:
    """Compare by name; where the name cannot be imported, by code, defaults and closure."""
    if read_name(actual) != read_name(expected):
        yield Unequal("value", actual, expected)
    elif is_nested(actual):
        if read_code(actual.__code__) != read_code(expected.__code__):
            yield Unequal("value", actual, expected, "the code differs")
        yield from pair_attributes(read_load(actual), read_load(expected))


def read_name(value: types.FunctionType) -> tuple[str, str]:
    return value.__module__, value.__qualname__


def is_nested(value: types.FunctionType) -> bool:
    """Return whether the name cannot be imported: a lambda's, or inside a function (<locals>)."""
    return "<" in value.__qualname__


def read_code(code: types.CodeType) -> tuple[object, ...]:
    """Return what code does, and its first line, as data that `==` compares."""
    return (*(getattr(code, name, None) for name in CODE), _read_constant(code.co_consts))


def _read_constant(value: object) -> tuple[object, ...]:
    """Return data in which 1, 1.0 and True differ, as do both zeros, but not two NaNs."""
    if isinstance(value, types.CodeType):
        return read_code(value)
    if isinstance(value, tuple):
        return ("tuple", *map(_read_constant, value))
    if isinstance(value, frozenset):
        return ("frozenset", *sorted(map(_read_constant, value), key=repr))
    return type(value).__name__, repr(value)


def read_load(value: types.FunctionType) -> dict[str, object]:
    """Read the data of a function: its defaults and its closure."""
    return {
        "__defaults__": value.__defaults__,
        "__kwdefaults__": value.__kwdefaults__,
        "__closure__": [cell.cell_contents for cell in value.__closure__ or ()],
    }


def compare_builtins(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    if actual.__qualname__ != expected.__qualname__:
        yield Unequal("value", actual, expected)
    yield from pair_attributes(read_owner(actual), read_owner(expected))


def read_owner(value: Any) -> dict[str, object]:
    return {"__self__": value.__self__}


def _read_method(value: types.MethodType) -> dict[str, object]:
    return {"__func__": value.__func__, "__self__": value.__self__}


_TABLE: dict[type, Comparer] = {
    types.FunctionType: compare_functions,
    types.MethodType: partial(compare_parts, _read_method),
}
