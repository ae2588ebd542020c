"""The decorator `dataclass`, as in the standard library, at a quarter of its cost.

The standard library compiles six methods of each class, 0.4 ms a class: for the 80 classes of a
session that was most of the time in which the plugin was imported. Here one is compiled,
`__init__`; the others are functions that know the names of the fields. Classes have slots;
`field(init=False)` is unsupported.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass

#: The default of an argument whose value a factory makes.
_FACTORY = object()


def _dataclass(
    *,
    slots: Literal[True],
    frozen: bool = False,
    kw_only: bool = False,
    eq: bool = True,
    repr: bool = True,
) -> Callable[[Any], Any]:
    """Return the decorator; arguments mean what they mean in the standard library."""

    def decorate(cls: Any) -> Any:
        if any(map(dataclasses.is_dataclass, cls.__mro__[1:])):  # rare, and it has more rules
            return dataclasses.dataclass(
                slots=slots, frozen=frozen, kw_only=kw_only, eq=eq, repr=repr
            )(cls)
        bare = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)
        made: Any = bare(cls)
        _add_methods(made, frozen=frozen, eq=eq, repr=repr)
        return made

    return decorate


# Type checkers know the decorator of the standard library, and nothing that replaces it.
if not TYPE_CHECKING:
    dataclass = _dataclass


def _add_methods(cls: Any, *, frozen: bool, eq: bool, repr: bool) -> None:
    """Add what the class does not define itself, and what others read of a dataclass."""
    own, fields = dict(vars(cls)), dataclasses.fields(cls)
    cls.__init__ = _init(cls, fields, frozen=frozen)
    if repr and "__repr__" not in own:
        cls.__repr__ = _repr
    if eq:
        values = _reader([field.name for field in fields if field.compare])
        if "__eq__" not in own:
            cls.__eq__ = _eq(values)
        if own.get("__hash__") is None:
            cls.__hash__ = (lambda self: hash(values(self))) if frozen else None
    if frozen:
        cls.__setattr__, cls.__delattr__ = _setattr, _delattr
        if "__getstate__" not in own:
            cls.__getstate__ = _getstate
        if "__setstate__" not in own:
            cls.__setstate__ = _setstate
    # A class that inherits from it has to be frozen, too, if it is a dataclass.
    settings = cls.__dataclass_params__
    settings.init, settings.repr, settings.eq, settings.frozen = True, repr, eq, frozen


def _init(cls: Any, fields: Sequence[dataclasses.Field[Any]], *, frozen: bool) -> Any:
    known: dict[str, object] = {"_FACTORY": _FACTORY}
    arguments: list[str] = ["self"]
    body: list[str] = []
    for field in sorted(fields, key=lambda field: bool(field.kw_only)):  # stable
        name = value = field.name
        if not field.init:
            raise TypeError(f"{cls.__qualname__}.{name}: field(init=False) is unsupported")
        if field.kw_only and "*" not in arguments:
            arguments.append("*")
        if field.default_factory is not dataclasses.MISSING:
            known[f"_default_{name}"] = field.default_factory
            arguments.append(f"{name}=_FACTORY")
            value = f"_default_{name}() if {name} is _FACTORY else {name}"
        elif field.default is not dataclasses.MISSING:
            known[f"_default_{name}"] = field.default
            arguments.append(f"{name}=_default_{name}")
        else:
            arguments.append(name)
        if frozen:
            known[f"_set_{name}"] = getattr(cls, name).__set__
        body.append(f"_set_{name}(self, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    text = "\n ".join((f"def __init__({', '.join(arguments)}):", *(body or ["pass"])))
    exec(text, known)
    init: Any = known["__init__"]
    init.__module__, init.__qualname__ = cls.__module__, f"{cls.__qualname__}.__init__"
    init.__annotations__ = {**{field.name: field.type for field in fields}, "return": None}
    return init


def _reader(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that reads attributes as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda record: tuple([getattr(record, name) for name in names])


def _eq(values: Callable[[Any], tuple[Any, ...]]) -> Any:
    def equals(self: Any, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is type(self) else NotImplemented

    return equals


@recursive_repr()
def _repr(self: Any) -> str:
    shown = [
        f"{field.name}={getattr(self, field.name)!r}"
        for field in dataclasses.fields(self)
        if field.repr
    ]
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _is_fixed(record: Any, name: str) -> bool:
    """Return whether an attribute cannot change; a plain class that inherits may have others."""
    return name in record.__dataclass_fields__ or "__dataclass_fields__" in vars(type(record))


def _setattr(self: Any, name: str, value: object) -> None:
    if _is_fixed(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(self, name, value)


def _delattr(self: Any, name: str) -> None:
    if _is_fixed(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
    object.__delattr__(self, name)


def _getstate(self: Any) -> list[object]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _setstate(self: Any, state: Sequence[object]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
