"""The project's modules: those that are imported here, and how a worker imports the same ones."""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import site
import sys
import sysconfig
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple

from .rewritten import RewrittenCode, RewrittenFile, load_code

#: Modules as {name: (file or None, folders to search for submodules or None)}.
ModuleTable = Mapping[str, tuple[str | None, tuple[str, ...] | None]]


class Sources(NamedTuple):
    """The files of the project that are sent, and the reason for each module that is not."""

    files: Mapping[str, bytes] = {}
    withheld: Mapping[str, str] = {}


def names_below(root: Path, modules: Mapping[str, ModuleType]) -> Sequence[str]:
    """Return the names of those of the modules whose file is below `root`."""
    inside = os.path.join(root, "")
    files = [(name, getattr(module, "__file__", None)) for name, module in modules.items()]
    return [name for name, file in files if file and file.startswith(inside)]


def project_modules(
    root: Path, *, tests: Collection[str] = (), below: Sequence[str] | None = None
) -> ModuleTable:
    """Return the modules below `root` that are imported here, with the packages around them.

    Installed packages are omitted: workers find them as this process did. Not so those among
    `tests`, whose assertions pytest has rewritten wherever they are. `below` is what `names_below`
    returns, if it is known: there are a thousand modules.
    """
    outside = installed_folders()
    table: dict[str, tuple[str | None, tuple[str, ...] | None]] = {}
    if below is None:
        below = names_below(root, sys.modules.copy())  # at once: collecting garbage may import
    for name in dict.fromkeys([*below, *sorted(tests)]):
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None)
        if module is None or not file:
            continue
        if name == "__main__" or not file.endswith(".py"):
            continue
        if name not in tests and file.startswith(outside):
            continue
        table[name] = (file, _folders(module))
        while name := name.rpartition(".")[0]:
            package = sys.modules.get(name)
            if name not in table and package is not None and not getattr(package, "__file__", None):
                table[name] = (None, _folders(package) or ())
    return table


@cache  # for the process, in which they do not move: it takes a millisecond
def installed_folders() -> tuple[str, ...]:
    """Return the folders of installed packages, each with a separator at its end."""
    libraries = (sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib"))
    installed = {*libraries, *site.getsitepackages(), site.getusersitepackages()}
    return tuple(os.path.join(folder, "") for folder in installed if folder)  # WASM has none


def _folders(module: ModuleType) -> tuple[str, ...] | None:
    path = getattr(module, "__path__", None)
    return None if path is None else tuple(path)


def take_over(
    modules: ModuleTable,
    path: Sequence[str],
    rewritten: RewrittenCode | None = None,
    *,
    is_fork: bool = False,
) -> None:
    """Make the project's modules importable here as they are in the process that runs pytest.

    A fork of that process has the modules from which the table was made.
    """
    rewritten = rewritten or {}
    sys.path[:] = [*path, *(entry for entry in sys.path if entry not in path)]
    # To look at a module is to write to its memory, which would copy it in a fork.
    for name, (file, _) in () if is_fork else modules.items():
        # A reused worker may hold another project's module of this name.
        held = sys.modules.get(name)
        if held is not None and (
            (file and getattr(held, "__file__", file) != file)
            or (name in rewritten and not is_rewritten(held))
        ):
            del sys.modules[name]
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    sys.meta_path.insert(0, _Finder(modules, rewritten=rewritten))


def is_rewritten(module: object) -> bool:
    """Return whether a module has rewritten code: a forked worker has that of pytest's process."""
    kind = type(getattr(getattr(module, "__spec__", None), "loader", None))
    # `isinstance` is slow for loaders, and each run asks for all modules of the process.
    return kind is RewrittenFile or kind.__name__ == "AssertionRewritingHook"


def lend(
    modules: ModuleTable,
    path: Sequence[str],
    sources: Sources,
    rewritten: RewrittenCode | None = None,
) -> Callable[[], None]:
    """Make the project's modules importable in a process that has none of their files.

    Returns a function that removes them again. Such a process serves others as well, so its own
    modules of those names are only set aside. The folders of `path`, where they exist at all, come
    last: the process has its own libraries.
    """
    finder = _Finder(modules, sources.files, rewritten=rewritten)
    last = _Withheld(sources.withheld)
    packages = {name.partition(".")[0] for name in modules}

    def loaded() -> list[str]:
        return [name for name in list(sys.modules) if name.partition(".")[0] in packages]

    added = [entry for entry in path if entry and entry not in sys.path]
    sys.path.extend(added)
    aside = {name: sys.modules.pop(name) for name in loaded() if not finder.has_made(name)}
    sys.meta_path.insert(0, finder)
    sys.meta_path.append(last)

    def take_away() -> None:
        sys.path[:] = [entry for entry in sys.path if entry not in added]
        sys.meta_path.remove(finder)
        sys.meta_path.remove(last)
        others = [other for other in sys.meta_path if isinstance(other, _Finder)]
        for name in loaded():
            if not any(other.has_made(name) for other in others):
                del sys.modules[name]
        sys.modules.update({name: aside[name] for name in aside.keys() - sys.modules.keys()})

    return take_away


class _Loader(importlib.abc.SourceLoader):
    """Load a module from the source that was sent."""

    def __init__(self, file: str, source: bytes, data: bytes) -> None:
        self.file = file
        self.source = source
        self.data = data

    def get_code(self, fullname: str) -> CodeType | None:
        return load_code(self.data) or super().get_code(fullname)

    def get_filename(self, fullname: str) -> str:  # noqa: ARG002, because importlib passes it
        return self.file

    def get_data(self, path: str | bytes) -> bytes:
        if path != self.file:
            raise OSError(f"no such file was sent: {path!r}")
        return self.source


class _Finder(importlib.abc.MetaPathFinder):
    """Find the project's modules by the table, where an ordinary import would not."""

    def __init__(
        self,
        modules: ModuleTable,
        sources: Mapping[str, bytes] | None = None,
        *,
        rewritten: RewrittenCode | None = None,
    ) -> None:
        self._modules = modules
        self._sources = sources or {}
        self._rewritten = rewritten or {}

    def has_made(self, name: str) -> bool:
        """Return whether the module of that name is the one that this finder loads."""
        loader = getattr(getattr(sys.modules.get(name), "__spec__", None), "loader", None)
        file, _ = self._modules.get(name, (None, None))
        return (
            isinstance(loader, _Loader)
            and loader.file == file
            and loader.source == self._sources.get(file)
            and loader.data == self._rewritten.get(name, b"")
        )

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
            fullname,
            file,
            loader=self._loader(fullname, file),
            submodule_search_locations=None if folders is None else list(folders),
        )

    def _loader(self, name: str, file: str) -> importlib.abc.Loader | None:
        """Return the loader of a module, None for the usual one."""
        data = self._rewritten.get(name, b"")
        if file in self._sources:
            return _Loader(file, self._sources[file], data)
        return RewrittenFile(name, file, data) if data else None


class _Withheld(importlib.abc.MetaPathFinder):
    """Raise an error that says why a module was not sent, if no other finder has found it."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self._reasons = reasons

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002, because the protocol of importlib has it
        target: ModuleType | None = None,  # noqa: ARG002, for the same reason
    ) -> None:
        if fullname in self._reasons:
            reason = self._reasons[fullname]
            raise ModuleNotFoundError(f"No module named {fullname!r}: {reason}", name=fullname)
