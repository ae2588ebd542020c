"""The functions that create the values in the table."""

from __future__ import annotations

import abc
import asyncio
import collections
import dataclasses
import enum
import functools
import types
from typing import Any, Generic, NamedTuple, TypeVar

import attrs

from .classes import Labelled, Listed, Number, Packed, Tagged


def make_adder(n: object) -> Any:
    return lambda x: (x, n)


def make_default(n: object) -> Any:
    def add(x: object, y: object = n) -> object:
        return (x, y)

    return add


def make_function(**names: object) -> Any:
    """Return a function of a namespace of its own, in which it names `g`."""
    exec("def f():\n return g, len", names)
    return names["f"]


def make_nested(**names: object) -> Any:
    """Return a function whose inner function names a global."""
    exec("def f():\n return lambda: [g for _ in ()]", names)
    return names["f"]


def make_recursive(value: object) -> Any:
    """Return a function that names itself, and `g`."""
    names: dict[str, Any] = {"g": value}
    exec("def f(n):\n return f(n - 1) if n else g", names)
    return names["f"]


def make_scaled(**attributes: object) -> Any:
    def scale() -> None: ...

    vars(scale).update(attributes)
    return scale


def make_documented(text: str) -> Any:
    scale = make_scaled()
    scale.__doc__ = text
    return scale


def make_wrapped(n: object) -> Any:
    return functools.wraps(make_adder)(make_adder(n))


def make_class(*bases: type, **contents: object) -> Any:
    """Return a class of a name that cannot be imported."""
    return type("Made", bases, {"__module__": __name__, **contents})


def make_local(n: object) -> Any:
    """Return a class with all kinds of contents."""

    class Local:
        size: list[int] = []  # noqa: RUF012
        __slots__ = ("__hidden", "x")

        def __init__(self, x: object = 0) -> None:
            self.x = x
            self.__hidden = n

        @property
        def plain(self) -> object:
            return n

        @staticmethod
        def still() -> object:
            return n

        @classmethod
        def clear(cls) -> object:
            return Local, cls, n

        def __repr__(self) -> str:
            return super().__repr__()

    return Local


def make_enum(value: object) -> Any:
    class Made(enum.Enum):
        ONE = 1
        OTHER = value

    return Made


def make_record(kind: str, default: object) -> Any:
    """Return a record class: `dataclass`, `slots`, `frozen`, `attrs`, `tuple`, `typed`, `model`."""
    if kind == "tuple":
        return collections.namedtuple("Record", "x", defaults=[default])
    if kind == "typed":

        class Typed(NamedTuple):
            x: object = default

        return Typed

    class Record:
        x: object = default

    if kind == "attrs":
        return attrs.define(Record)
    return dataclasses.dataclass(slots=kind != "dataclass", frozen=kind == "frozen")(Record)


def make_generic(bound: object) -> Any:
    variable: Any = TypeVar("variable", bound=bound)  # type: ignore[misc]

    class Box(Generic[variable]):  # type: ignore[misc]
        items: list[variable]

    return Box


def make_abstract(n: object) -> Any:
    class Abstract(abc.ABC):
        @abc.abstractmethod
        def give(self) -> object:
            return n

    class Concrete(Abstract):
        def give(self) -> object:
            return super().give()

    Abstract.register(int)
    assert isinstance(Concrete(), Abstract)
    assert not isinstance("", Abstract)  # which fills the cache of the class
    return Concrete


def make_module(**contents: object) -> types.ModuleType:
    """Return a module that is not imported."""
    module = types.ModuleType("made")
    vars(module).update(contents)
    return module


def make_code_module(value: object) -> types.ModuleType:
    """Return a module that is not imported, with a function that names a global of it."""
    module = make_module(g=value)
    exec("def f():\n return g", vars(module))
    return module


def make_labelled(**attributes: object) -> Labelled:
    point = Labelled(1)
    vars(point).update(attributes)
    return point


def make_listed(items: list[Any], label: str) -> Listed:
    listed = Listed(items)
    listed.label = label
    return listed


def make_packed(items: list[Any], unit: str) -> Packed:
    packed = Packed(items)
    packed.unit = unit
    return packed


def make_number(unit: str) -> Number:
    number = Number(3)
    number.unit = unit
    return number


def make_tagged(items: dict[Any, Any], tag: str) -> Tagged:
    tagged = Tagged(tag)
    tagged.update(items)
    return tagged


def make_generator() -> Any:
    yield 1


async def make_asynchronous() -> Any:
    yield 1


async def make_coroutine() -> None:
    await asyncio.sleep(0)


def note(error: Exception, text: str) -> Exception:
    """Return an exception with a note, as `add_note` of Python 3.11 stores it."""
    vars(error).setdefault("__notes__", []).append(text)
    return error


def cause(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def raised(error: Exception) -> Exception:
    """Return an exception with a traceback."""
    try:
        raise error
    except Exception as caught:
        return caught


def twin(cls: type, **more: object) -> Any:
    """Return the class that a second import of its module would create, and `more` in it."""
    namespace = {key: value for key, value in vars(cls).items() if key not in ("__dict__",)}
    namespace.pop("__weakref__", None)
    return type(cls.__name__, cls.__bases__, namespace | more)


def hashed(value: Any) -> Any:
    hash(value)
    return value
