"""The comparers of classes and modules, and of the types that are made of classes."""

from __future__ import annotations

import sys
import types
import typing
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from .callables import find_global
from .pairs import (
    ATTRIBUTE,
    Comparer,
    Finding,
    Pair,
    Relation,
    Unequal,
    compare_parts,
    pair_changed,
    read_attributes,
)
from .show import name_type

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The flag of classes that are created while Python runs (`Py_TPFLAGS_HEAPTYPE`), and of those that
#: cannot be changed afterwards (`Py_TPFLAGS_IMMUTABLETYPE`): all others are defined in C.
_HEAP, _IMMUTABLE = 1 << 9, 1 << 8

#: Parts of a class that say where it was defined, or that Python or pydantic derive from others.
_SECONDARY = {
    "__annotations__",  # which exist once they were read
    "__annotate__",
    "__annotate_func__",
    "__annotations_cache__",
    "__dict__",
    "__firstlineno__",
    "__module__",
    "__qualname__",
    "__slotnames__",
    "__static_attributes__",
    "__weakref__",
    "__pydantic_complete__",
    "__pydantic_core_schema__",
    "__pydantic_decorators__",
    "__pydantic_parent_namespace__",
    "__pydantic_serializer__",
    "__pydantic_validator__",
    "_abc_impl",
}

#: Descriptors that Python makes for the slots and the `__dict__` of a class.
_DESCRIPTORS = (types.MemberDescriptorType, types.GetSetDescriptorType)

#: Parts of a module that say where it comes from.
_ORIGIN = {"__builtins__", "__cached__", "__file__", "__loader__", "__path__", "__spec__"}

#: The types of `list[int]`, of `int | str`, and of all that `typing` makes: `Literal[1]`.
_ALIASES = (types.GenericAlias, types.UnionType, type(typing.List[int]))  # noqa: UP006

_UNORDERED = {types.UnionType, typing.Union, typing.Literal}

#: Variables for types, in signatures and tuples of types from Python 3.11 on.
_VARIABLES = {typing.TypeVar, typing.ParamSpec, getattr(typing, "TypeVarTuple", typing.TypeVar)}


def find(cls: type) -> Comparer | None:
    """Return the comparer of a class of classes or modules, None for others."""
    if issubclass(cls, type):
        return compare_classes
    if issubclass(cls, types.ModuleType):
        return compare_modules
    if issubclass(cls, _ALIASES):
        return _compare_aliases
    if cls in _VARIABLES:
        return partial(compare_parts, _read_variable)
    if cls is typing.NewType:
        return partial(compare_parts, _read_new_type)
    if name_type(cls) in ("attr._make.Attribute", "attr._make.ClassProps"):
        return partial(compare_parts, read_attributes)  # `==` differs for functions sent by value
    return None


def find_namesake(value: Any) -> object:
    """Return what is imported under the name of a class, function or module, None if nothing.

    A class that is defined in C is the only one of its name, even where that cannot be imported.
    """
    if isinstance(value, types.ModuleType):
        return sys.modules.get(value.__name__)
    if isinstance(value, type) and (not value.__flags__ & _HEAP or value.__flags__ & _IMMUTABLE):
        return value
    return find_global(value.__module__, value.__qualname__)


def compare_classes(actual: type, expected: type, _: Relation) -> Iterator[Finding]:
    """Compare by name; two classes of one name also by contents.

    A class that is sent by name arrives as the very class of that name here.
    """
    if read_class_name(actual) != read_class_name(expected):
        yield Unequal("value", actual, expected)
    elif actual is not expected:
        for finding in pair_changed(read_class(actual), read_class(expected)):
            if isinstance(finding, Unequal):
                finding = finding._replace(difference=_explain_lack(expected))
            yield finding


def read_class_name(cls: type) -> tuple[object, str]:
    return cls.__module__, cls.__qualname__


def _explain_lack(cls: type) -> str:
    return (
        f"{name_type(cls)} cannot be imported by name; where it was sent from another process, "
        "cloudpickle may have dropped this: define the class at module level"
    )


def read_class(cls: Any) -> dict[str, object]:
    """Read the contents of a class: bases, annotations, and what its body defines."""
    contents: dict[str, object] = {
        "__bases__": cls.__bases__,
        "__annotations__": vars(cls).get("__annotations__", {}),
    }
    body = {name: part for name, part in vars(cls).items() if name not in _SECONDARY}
    if issubclass(cls, Enum):
        members = {n: part for n, part in body.items() if isinstance(part, cls)}
        members |= cls.__members__
        contents["__members__"] = {n: part.value for n, part in members.items()}
        body = {n: part for n, part in body.items() if n not in members and not _is_made_by_enum(n)}
    if "__attrs_attrs__" in body and _is_of_attrs(body.get("__replace__")):
        del body["__replace__"]
    for name, part in body.items():
        is_own = isinstance(part, _DESCRIPTORS) and part.__objclass__ is cls
        contents[name] = f"a descriptor of {name}" if is_own else part
    return contents


def _is_made_by_enum(name: str) -> bool:
    """Return whether it is what an Enum derives from its members and bases."""
    return name == "__new__" or (name[:1] == name[-1:] == "_" and name[1] != "_" != name[-2])


def _is_of_attrs(replace: object) -> bool:
    """Return whether it is the function that attrs gives to all classes, from Python 3.13 on.

    attrs names it after the class that it has made last.
    """
    return isinstance(replace, types.FunctionType) and replace.__code__.co_name == "evolve"


def compare_modules(
    actual: types.ModuleType, expected: types.ModuleType, _: Relation
) -> Iterator[Finding]:
    """Compare by name; two modules of one name also by contents."""
    if actual.__name__ != expected.__name__:
        yield Unequal("value", actual, expected)
    elif actual is not expected:
        yield from pair_changed(read_module(actual), read_module(expected))


def read_module(module: types.ModuleType) -> dict[str, object]:
    return {name: part for name, part in vars(module).items() if name not in _ORIGIN}


def _compare_aliases(actual: Any, expected: Any, _: Relation) -> Iterator[Finding]:
    """Compare the parts, which may be classes that were sent by value, or the data of `Annotated`.

    The order of some parts does not count, which only `==` knows.
    """
    if typing.get_origin(actual) in _UNORDERED and actual == expected:
        return
    yield Pair(typing.get_origin(actual), typing.get_origin(expected), ATTRIBUTE, "__origin__")
    yield Pair(typing.get_args(actual), typing.get_args(expected), ATTRIBUTE, "__args__")


def _read_new_type(value: Any) -> dict[str, object]:
    return {name: getattr(value, name) for name in ("__qualname__", "__supertype__")}


def _read_variable(value: Any) -> dict[str, object]:
    """Read a type variable without its module, which cloudpickle drops."""
    names = ("__name__", "__bound__", "__constraints__", "__covariant__", "__contravariant__")
    return {name: getattr(value, name) for name in names if hasattr(value, name)}
