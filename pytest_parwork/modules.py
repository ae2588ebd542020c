"""The project's modules: which there are here, and how a worker imports the same ones."""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import site
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

__all__ = ["ModuleTable", "project_modules", "take_over"]

#: Modules as {name: (file or None, folders to search for submodules or None)}.
ModuleTable = Mapping[str, tuple[str | None, tuple[str, ...] | None]]


def project_modules(root: Path) -> ModuleTable:
    """Return the modules below `root` that are imported here, with the packages around them.

    Installed packages are left out: workers find them as this process did.
    """
    libraries = (sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib"))
    installed = {*libraries, *site.getsitepackages(), site.getusersitepackages()}
    inside = os.path.join(root, "")
    outside = tuple(os.path.join(folder, "") for folder in installed)
    table: dict[str, tuple[str | None, tuple[str, ...] | None]] = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name == "__main__" or not file or not file.endswith(".py"):
            continue
        if not file.startswith(inside) or file.startswith(outside):
            continue
        table[name] = (file, _folders(module))
        while name := name.rpartition(".")[0]:
            package = sys.modules.get(name)
            if name not in table and package is not None and not getattr(package, "__file__", None):
                table[name] = (None, _folders(package) or ())
    return table


def _folders(module: ModuleType) -> tuple[str, ...] | None:
    path = getattr(module, "__path__", None)
    return None if path is None else tuple(path)


def take_over(modules: ModuleTable, path: Sequence[str]) -> None:
    """Make the project's modules importable here as they are in the process that runs pytest."""
    sys.path[:] = [*path, *(entry for entry in sys.path if entry not in path)]
    for name, (file, _) in modules.items():
        # A worker that is used again may hold another project's module of this name.
        if file and name in sys.modules and getattr(sys.modules[name], "__file__", file) != file:
            del sys.modules[name]
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    sys.meta_path.insert(0, _Finder(modules))


class _Finder(importlib.abc.MetaPathFinder):
    """Find the project's modules by the table, where ordinary import would not."""

    def __init__(self, modules: ModuleTable) -> None:
        self._modules = modules

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002, because the protocol of importlib has it
        target: ModuleType | None = None,  # noqa: ARG002, for the same reason
    ) -> ModuleSpec | None:
        if fullname not in self._modules:
            return None
        file, folders = self._modules[fullname]
        if file is None:
            spec = ModuleSpec(fullname, None, is_package=True)
            spec.submodule_search_locations = list(folders or ())
            return spec
        return importlib.util.spec_from_file_location(
            fullname, file, submodule_search_locations=None if folders is None else list(folders)
        )
