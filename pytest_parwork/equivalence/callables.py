"""The comparers of callables."""

from __future__ import annotations

import dis
import functools
import sys
import types
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from .pairs import (
    Comparer,
    Finding,
    Relation,
    Unequal,
    compare_parts,
    look_up,
    pair_attributes,
    pair_changed,
)

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
    return look_up(_TABLE, cls)


def find_global(module: object, name: str) -> object:
    """Return what `sys.modules` holds under a qualified name, None if nothing."""
    found: object = sys.modules.get(module) if isinstance(module, str) else None
    if found is None or "<" in name:
        return None
    try:
        for part in name.split("."):
            found = getattr(found, part)
    except Exception:  # a module's `__getattr__` may raise anything
        return None
    return found


def compare_functions(
    actual: types.FunctionType, expected: types.FunctionType, _: Relation
) -> Iterator[Finding]:
    """Compare by name; two objects of one name also by code, and by all that the code uses.

    A function that is sent by name arrives as the very object of that name here.
    """
    if read_name(actual) != read_name(expected):
        yield Unequal("value", actual, expected)
    elif actual is not expected:
        if read_code(actual.__code__) != read_code(expected.__code__):
            yield Unequal("value", actual, expected, "the code differs")
        yield from pair_changed(read_load(actual), read_load(expected))


def read_name(value: types.FunctionType) -> tuple[str, str]:
    return value.__module__, value.__qualname__


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
    """Read the data of a function: defaults, closure, attributes, the globals that it names."""
    load = {
        "__doc__": value.__doc__,
        "__defaults__": value.__defaults__,
        "__kwdefaults__": value.__kwdefaults__,
        "__annotations__": value.__annotations__,
        **value.__dict__,
    }
    for number, cell in enumerate(value.__closure__ or ()):
        with suppress(ValueError):  # of an empty cell
            load[f"__closure__[{number}]"] = cell.cell_contents
    for name in sorted(_name_globals(value.__code__)):
        if name in value.__globals__ and name != "__builtins__":
            load[f"__globals__[{name!r}]"] = value.__globals__[name]
    return load


def _name_globals(code: types.CodeType) -> set[str]:
    """Return the names of the globals that code reads, also in the functions that it defines.

    These are what cloudpickle sends. A class body reads its own names first, and has none of them.
    """
    names = {step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _name_globals(constant)
    return names


def compare_builtins(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    if actual.__qualname__ != expected.__qualname__:
        yield Unequal("value", actual, expected)
    yield from pair_attributes(read_owner(actual), read_owner(expected))


def read_owner(value: Any) -> dict[str, object]:
    return {"__self__": value.__self__}


def _read_method(value: types.MethodType) -> dict[str, object]:
    return {"__func__": value.__func__, "__self__": value.__self__}


def _read_cached(value: Any) -> dict[str, object]:
    return {"__wrapped__": value.__wrapped__, "cache_parameters()": value.cache_parameters()}


def _read_wrapper(value: Any) -> dict[str, object]:
    return {"__func__": value.__func__}


def _read_property(value: property) -> dict[str, object]:
    return {name: getattr(value, name) for name in ("fget", "fset", "fdel", "__doc__")}


def _read_cached_property(value: functools.cached_property[Any]) -> dict[str, object]:
    """Read what it computes; before Python 3.12 it also has a lock."""
    return {"func": value.func, "attrname": value.attrname}


_TABLE: dict[type, Comparer] = {
    types.FunctionType: compare_functions,
    types.MethodType: partial(compare_parts, _read_method),
    type(functools.lru_cache(len)): partial(compare_parts, _read_cached),
    staticmethod: partial(compare_parts, _read_wrapper),
    classmethod: partial(compare_parts, _read_wrapper),
    property: partial(compare_parts, _read_property),
    functools.cached_property: partial(compare_parts, _read_cached_property),
}
