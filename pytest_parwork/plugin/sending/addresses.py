"""The addresses by which workers import the functions of tests and fixtures."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import pytest

from ...model.work import Address
from ...worker.fixtures.finding import unwrapped
from ...worker.fixtures.recipe import Binding


def body_of(item: pytest.Function) -> Address:
    """Return the address of the test function of an item."""
    classes = tuple(node.name for node in item.listchain() if isinstance(node, pytest.Class))
    return Address(module=item.module.__name__, classes=classes, attribute=item.originalname)


def address_of(function: Any, item: pytest.Function) -> tuple[Address, Binding] | None:
    """Return the address of a fixture function, and what to bind the function to.

    None if it cannot be imported: it was defined inside another function, or belongs to an object.
    """
    owner, plain = getattr(function, "__self__", None), unwrapped(function)
    if owner is None:
        for module in _modules(plain, item):
            path = _path_to(plain, module)
            if path is not None:
                return _address(module, path), "nothing"
        return None
    is_class = isinstance(owner, type)
    cls = owner if is_class else type(owner)
    name = next((name for name in _likely(plain, cls) if _leads_to(cls, name, plain)), None)
    if name is None:
        return None
    binding: Binding = "class" if is_class else "own"
    if item.cls is not None and issubclass(item.cls, cls):
        body = body_of(item)
        address = Address(module=body.module, classes=body.classes, attribute=name)
        return address, binding if is_class else "instance"
    around_it = [node.obj for node in item.listchain() if isinstance(node, pytest.Class)]
    if not is_class and cls not in around_it:
        return None  # a method of a plugin object, whose state is unknown
    home, around = sys.modules.get(cls.__module__), cls.__qualname__.split(".")
    if home is None or _walk(home, around) is not cls:
        return None
    return _address(home, (*around, name)), binding


def _modules(function: Any, item: pytest.Function) -> Iterator[ModuleType]:
    """Yield the modules that may contain a fixture: its own, that of the test, the plugins."""
    own = sys.modules.get(getattr(function, "__module__", None) or "")
    if own is not None:
        yield own
    yield item.module
    plugins = item.config.pluginmanager.get_plugins()
    yield from (plugin for plugin in plugins if isinstance(plugin, ModuleType))


def _path_to(function: Any, module: ModuleType) -> tuple[str, ...] | None:
    path = tuple(getattr(function, "__qualname__", "").split("."))
    if path != ("",) and unwrapped(_walk(module, path)) is function:
        return path
    names = (name for name, value in vars(module).items() if unwrapped(value) is function)
    found = next(names, None)
    return None if found is None else (found,)


def _likely(function: Any, cls: type) -> Sequence[str]:
    return [getattr(function, "__name__", ""), *dir(cls)]


def _leads_to(owner: object, name: str, function: Any) -> bool:
    return unwrapped(inspect.getattr_static(owner, name, None)) is function


def _walk(module: ModuleType, path: Sequence[str]) -> object:
    found: object = module
    for name in path:
        found = getattr(found, name, None)
    return found


def _address(module: ModuleType, path: Sequence[str]) -> Address:
    return Address(module=_name_of(module), classes=tuple(path[:-1]), attribute=path[-1])


def _name_of(module: ModuleType) -> str:
    """Return the name by which a module can be imported.

    If folders are not packages, all their conftests have the same name, and only the last one can
    be imported by it. The others are registered under another name, here and thereby in workers.
    """
    name = module.__name__
    if sys.modules.get(name) is module:
        return name
    file = str(getattr(module, "__file__", ""))
    name = f"{name}_{hashlib.sha256(file.encode()).hexdigest()[:8]}"
    sys.modules.setdefault(name, module)
    return name
