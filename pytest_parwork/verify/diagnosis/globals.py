"""The globals that the code of a function reaches: how they are found, read, and set."""

from __future__ import annotations

import importlib
import inspect
import pickle
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from types import CodeType, FunctionType, ModuleType
from typing import Any

from ...model.dataclass import dataclass
from ...transport.pickling import ATOM_IDS
from .treatments import Function

#: Module and name of a global; that of an attribute has dots: `Config.level`.
Place = tuple[str, str]

#: How deep the attributes of an instance are looked at, and how many of them at most.
DEEPEST, MOST_PARTS = 2, 50

#: Most bytes of the pickle of a global that is tried: they are sent several times.
LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Globals:
    """Set the globals of modules that differ before each call; by module and name, pickled."""

    values: Mapping[Place, bytes]

    def is_idle(self) -> bool:
        """Return whether the globals are so already."""
        return read_globals(tuple(self.values)) == self.values

    def __call__(self, function: Function) -> Function:
        """Return the function with the globals set before it."""

        def call(*args: object, **kwargs: object) -> object:
            there = read_globals(tuple(self.values))
            for place, data in self.values.items():
                if there.get(place) != data:
                    holder, name = _holder(place)
                    setattr(holder, name, pickle.loads(data))
            return function(*args, **kwargs)

        return call


def read_globals(names: Sequence[Place]) -> dict[Place, bytes]:
    """Return the pickled values of globals, by module and name, as far as they can be pickled."""
    found: dict[Place, bytes] = {}
    for place in names:
        with suppress(Exception):
            holder, name = _holder(place)
            room = _Room()
            _pickler()(room, protocol=5).dump(vars(holder)[name])
            found[place] = b"".join(room.parts)
    return found


def _pickler() -> Any:
    """Return the pickler that also takes functions of fixtures: imported where one is needed."""
    import cloudpickle

    return cloudpickle.Pickler


class _Room:
    """A file for a pickle, which fails before it is too large: a global may hold gigabytes."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._left = LARGEST

    def write(self, data: bytes | memoryview) -> None:
        """Take a part of the pickle."""
        self._left -= len(data)
        if self._left < 0:
            raise OverflowError
        self.parts.append(bytes(data))


def _holder(place: Place) -> tuple[Any, str]:
    """Return what holds a global, a module, class or instance, and the name that it has there."""
    module, name = place
    holder: Any = importlib.import_module(module)
    *classes, last = name.split(".")
    for part in classes:
        holder = vars(holder)[part]
    return holder, last


def globals_of(function: Callable[..., object]) -> Iterator[Place]:
    """Yield module and name of each global that the code of a function names, and so on.

    Functions and classes are followed, the nearest first, and so are the classes of instances that
    are globals. The values that a class holds count as globals as well, and so do plain ones that
    an instance of the same module holds, which may have parts that no pickle takes.
    """
    home = getattr(inspect.unwrap(function), "__module__", "")
    waiting: deque[object] = deque([inspect.unwrap(function)])
    seen: set[int] = set()
    while waiting:
        one = waiting.popleft()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, type):
            waiting += [*map(_function_of, vars(one).values()), *one.__bases__]
            yield from _values_of(one)
            continue
        if not isinstance(one, FunctionType):
            continue
        module = sys.modules.get(one.__module__)
        if module is None or vars(module) is not one.__globals__:
            continue
        for name in names_in(one.__code__):
            value = one.__globals__.get(name, waiting)
            if isinstance(value, FunctionType):
                waiting.append(inspect.unwrap(value))
                if _is_patched(value, name):
                    yield one.__module__, name
            elif isinstance(value, type):
                waiting.append(value)
            elif isinstance(value, ModuleType):
                waiting += _functions_named(value, one.__code__)
                yield from _values_named(value, one.__code__)
            elif value is not waiting:
                waiting.append(type(value))
                yield one.__module__, name
                if one.__module__ == home:
                    parts = _plain_parts((home, name), value, DEEPEST)
                    yield from islice(parts, MOST_PARTS)


def _plain_parts(place: Place, value: object, depth: int) -> Iterator[Place]:
    """Yield the attributes of an instance that are plain, and of those that are not theirs."""
    module, name = place
    for attribute, part in list(getattr(value, "__dict__", {}).items()):
        if id(type(part)) in ATOM_IDS:
            yield module, f"{name}.{attribute}"
        elif depth > 1 and not isinstance(part, type | ModuleType | FunctionType):
            yield from _plain_parts((module, f"{name}.{attribute}"), part, depth - 1)


def _function_of(part: object) -> object:
    """Return the function of a method, whatever its kind."""
    for name in ("__func__", "fget", "__wrapped__"):
        part = getattr(part, name, part)
    return part


def _values_of(cls: type) -> Iterator[Place]:
    """Yield the attributes of a class that hold values, where the class is found by its name."""
    home = sys.modules.get(cls.__module__)
    if home is None or cls.__qualname__.partition(".")[0] not in vars(home):
        return  # made in a function, or renamed
    for name, value in vars(cls).items():
        is_value = not (callable(value) or hasattr(type(value), "__get__"))
        if (is_value or _is_patched(value, name)) and not name.startswith("__"):
            yield cls.__module__, f"{cls.__qualname__}.{name}"


def _is_patched(value: object, name: str) -> bool:
    """Return whether a function has another name than where it is found: it was put there."""
    return isinstance(value, FunctionType) and value.__name__ != name


def _functions_named(module: ModuleType, code: CodeType) -> Sequence[object]:
    return [vars(module)[name] for name in names_in(code) if name in vars(module)]


def _values_named(module: ModuleType, code: CodeType) -> Iterator[Place]:
    """Yield the plain values of a module that the code names, as in `settings.SCALE`."""
    for name in names_in(code):
        value = vars(module).get(name, module)
        is_plain = not (isinstance(value, type | ModuleType) or callable(value))
        if is_plain or _is_patched(value, name):
            yield module.__name__, name


def names_in(code: CodeType) -> Iterator[str]:
    """Yield the names that a code and those inside it use, but for local ones."""
    yield from code.co_names
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from names_in(part)
