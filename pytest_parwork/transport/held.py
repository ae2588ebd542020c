"""The objects that modules hold under a name: where they are, and how a worker finds them there."""

from __future__ import annotations

import importlib
import io
import operator
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from threading import local
from types import (
    BuiltinFunctionType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

from ..model.dataclass import dataclass
from ..model.errors import PayloadError
from .pickling import ATOM_IDS, ATOMS, MARKED, load
from .records import Buffer
from .sameness import are_same, pickled

#: Ids of types whose values pickle sends by name anyway, or which are copied in any case.
COMMON = frozenset(
    id(cls)
    for cls in (
        *(FunctionType, BuiltinFunctionType, MethodType, MethodDescriptorType, ModuleType),
        *(WrapperDescriptorType, type, list, dict, set, bytearray, *ATOMS),
    )
)

# Modules and classes are read without any code of theirs, which may raise whatever it is asked for,
# or import what a lazy module stands for.
_contents_of_module: Callable[[ModuleType], dict[str, object]]
_contents_of_module = vars(ModuleType)["__dict__"].__get__
_contents_of_class: Callable[[object], Mapping[str, object]] = type.__dict__["__dict__"].__get__
_home_of_class: Callable[[object], object] = type.__dict__["__module__"].__get__
_name_of_class: Callable[[object], str] = type.__dict__["__name__"].__get__


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The place of an object: what a module holds under a name, with the name of its class.

    `copy` is the pickle of the object, None if it cannot be pickled. If the object has a state, the
    one of the other process must have the same, or the copy is used.
    """

    module: str
    name: str
    cls: str
    copy: bytes | None
    has_state: bool


def find_held(held: Held) -> object:
    """Return the object that this process has at a place, or its copy."""
    try:
        found = get(held.module, held.name)
        if class_name(found) == held.cls and (not held.has_state or _is_same(found, held.copy)):
            return found
    except Exception:  # whatever an import raises, or an attribute of a module
        pass
    if held.copy is None:
        raise PayloadError(
            f"{held.module}.{held.name} is not the {held.cls} there that it is in pytest's process"
        )
    return load(held.copy)


def _is_same(found: object, copy: bytes | None) -> bool:
    return pickled(found) == copy or (copy is not None and are_same(found, load(copy)))


class _Finding(pickle.Unpickler):
    """Finds what `Identities.find` has found in another process."""

    def persistent_load(self, found: Any, /) -> object:
        return sys.intern(found) if type(found) is str else find_held(load(found))


def load_sent(data: Buffer, *, buffers: Iterable[Any] = ()) -> Any:
    """Load an argument."""
    if data[: len(MARKED)] != MARKED:
        return load(data, buffers=buffers)
    return _Finding(io.BytesIO(data), buffers=buffers).load()


class _Made(local):
    """What this thread has made in place of objects of another process, while it loads a call."""

    objects: dict[tuple[int, int, Any], object] | None = None


_MADE = _Made()


class MadeOnce:
    """Lets all that is loaded inside a `with` block share the objects that `make_empty` makes.

    The arguments of a call are loaded one by one, and `pattern[0] is missing` holds between two of
    them as well. The next call gets new objects, because a case may set attributes of its own. It
    is no generator, which would take longer: there is a block for each call.
    """

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before, _MADE.objects = _MADE.objects, {}

    def __exit__(self, *_: object) -> None:
        _MADE.objects = self._before


def make_empty(process: int, number: int, cls: Any) -> object:
    """Return what stands here for an object without state that has that id in another process."""
    if _MADE.objects is None:
        return cls.__new__(cls)
    key = process, number, id(cls)
    if key not in _MADE.objects:
        _MADE.objects[key] = cls.__new__(cls)
    return _MADE.objects[key]


def class_name(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def get(module: str, name: str) -> object:
    return operator.attrgetter(name)(importlib.import_module(module))


def places() -> Iterator[tuple[int, tuple[str, str]]]:
    """Yield the id of each object that a module holds, with the place; the first one comes last."""
    for module, names in _modules():
        for name, value in names.items():
            kind = id(type(value))
            if kind not in COMMON or (kind in ATOM_IDS and name[:2] != "__"):
                yield id(value), (module, name)


def ids() -> set[int]:
    """Return the ids of all that modules hold: in a tenth of the time that the places take."""
    found: set[int] = set()
    for _, names in _modules():
        found.update(map(id, names.values()))
    return found


def class_places() -> Iterator[tuple[int, tuple[str, str]]]:
    """Yield the same for the objects that are attributes of a class, at the top of its module."""
    for module, names in _modules():
        for cls in names.values():
            if not issubclass(type(cls), type):
                continue
            with suppress(AttributeError):  # a class made by `exec` may have no module
                if _home_of_class(cls) != module or (title := _name_of_class(cls)) not in names:
                    continue
                for name, value in _contents_of_class(cls).items():
                    if id(type(value)) not in COMMON:
                        yield id(value), (module, f"{title}.{name}")


def _modules() -> Iterator[tuple[str, Mapping[str, object]]]:
    for name, module in reversed(sys.modules.copy().items()):
        if issubclass(type(module), ModuleType) and name != "__main__":  # another one in a worker
            yield name, _contents_of_module(module).copy()
