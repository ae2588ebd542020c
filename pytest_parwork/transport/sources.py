"""What of the project is sent to workers that have none of its files.

Those are the modules that are imported here, and what these need: what their import statements
name, wherever they are, and so on from there. Not what lies next to them in their folders, which
may be nobody's business there.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path, PurePath
from typing import NamedTuple

from ..model.comparison import Note
from ..model.outcome import Outcome
from .modules import ModuleTable, Sources, installed_folders

#: What is to be done about a module that no statement names.
REMEDY = (
    "only what was sent can be imported in its worker: import the module at the top of the test "
    "module or in conftest.py, which sends it, or install it on the workers"
)

#: Functions that import the module which their first argument names.
IMPORTERS = {"__import__", "import_module", "importorskip"}

#: The attributes of statements that hold other statements.
BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sendable:
    """Which files may be sent: those below `root` that no pattern in `no_send` matches.

    A pattern is for the path from `root`, or that of a folder above the file; one without a slash
    is for the names of both, too. A `*` stands for slashes as well. Without `root`, all files may
    be sent that are imported here, and no others.
    """

    root: Path | None = None
    no_send: tuple[str, ...] = ()

    def objection(self, file: str) -> str:
        """Return why a file is not to be sent, empty if it may be."""
        real = os.path.realpath(file)
        if self.root is not None and not _is_below(real, os.path.realpath(self.root)):
            return (
                f"{self.name(file)} was not sent, because a link leads from there out of the "
                f"project; copy it into the project, or install it on the workers"
            )
        names = {self.name(file), self.name(real)}
        for pattern in self.no_send:
            if any(_matches(name, pattern) for name in names):
                return (
                    f"{self.name(file)} was not sent, because of --parwork-no-send={pattern}; "
                    f"install it on the workers, or narrow the pattern"
                )
        return ""

    def name(self, file: str) -> str:
        """Return the path of a file from the root."""
        for root in (self.root, self.root and os.path.realpath(self.root)):
            if root is not None and _is_below(file, str(root)):
                return PurePath(file).relative_to(root).as_posix()
        return file


def _is_below(file: str, root: str) -> bool:
    return file.startswith(os.path.join(root, ""))


def _matches(name: str, pattern: str) -> bool:
    pattern = pattern.removeprefix("./").rstrip("/")
    parts = name.split("/")
    around = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return any(fnmatchcase(one, pattern) for one in (around if "/" in pattern else around + parts))


class Selection(NamedTuple):
    """The modules that workers are to find, their sources, the files sent and not sent by name."""

    modules: ModuleTable
    sources: Sources
    sent: tuple[str, ...]
    withheld: tuple[str, ...]


def select(modules: ModuleTable, sendable: Sendable) -> Selection:
    """Return what is sent of the project whose `modules` are imported here.

    `ModuleNotFoundError` says in the worker what was withheld, to who imports it.
    """
    needed = _Needed(modules, sendable)
    needed.follow()
    own = {file: sendable.name(file) for file in needed.files}
    return Selection(
        {name: entry for name, entry in needed.table.items() if name not in needed.withheld},
        Sources(needed.files, needed.withheld),
        tuple(sorted(own.values())),
        tuple(sorted({sendable.name(needed.table[name][0] or "") for name in needed.withheld})),
    )


def note_missing(parallel: Outcome, sent: tuple[str, ...]) -> Note | None:
    """Return the note on a module that was missing in a worker, None if none was.

    `sent` are the files that were sent to it, none if it has those of the project. What was
    withheld from it says so by itself.
    """
    failure = parallel.failure
    if not sent or failure is None:
        return None
    told = f"{failure.type}: {failure.text}\n{failure.traceback}"
    if ModuleNotFoundError.__name__ not in told or " was not sent, because " in told:
        return None
    return Note(path="", kind="not-sent", text=REMEDY)


class _Needed:
    """The modules that are needed, as they are found in the sources of those that are sent."""

    def __init__(self, modules: ModuleTable, sendable: Sendable) -> None:
        package = __package__.partition(".")[0]
        # The workers have this package, and are in the middle of using it.
        self.table = {
            name: entry for name, entry in modules.items() if name.partition(".")[0] != package
        }
        self.files: dict[str, bytes] = {}
        self.withheld: dict[str, str] = {}
        self._sendable = sendable
        self._root = os.path.realpath(sendable.root) if sendable.root is not None else None
        self._installed = installed_folders()
        self._elsewhere = {package, *sys.stdlib_module_names} - {
            name.partition(".")[0] for name in self.table
        }
        self._todo = list(self.table)

    def follow(self) -> None:
        """Read the sources, and add what they import, until there is nothing new."""
        while self._todo:
            name = self._todo.pop()
            file, folders = self.table[name]
            if file is None:
                continue
            if objection := self._sendable.objection(file):
                self.withheld[name] = objection
                continue
            if file not in self.files:
                try:
                    self.files[file] = Path(file).read_bytes()
                except OSError:
                    continue
            package = name if folders is not None else name.rpartition(".")[0]
            for imported in _imports(self.files[file]):
                for wanted in imported.names(package):
                    self._has(wanted)

    def _has(self, name: str) -> bool:
        """Return whether a module is in the table, where it is added if it is of the project."""
        if name in self.table:
            return True
        if name in self._elsewhere or self._root is None:
            return False
        parent = name.rpartition(".")[0]
        spec: ModuleSpec | None = None
        if not parent or self._has(parent):
            # Whatever finders there are may be asked: there is no promise what they raise.
            with suppress(Exception):
                if not parent:
                    spec = importlib.util.find_spec(name)
                else:
                    spec = _found_in(self.table[parent][1] or (), name)
        if spec is None or not self._is_ours(spec):
            self._elsewhere.add(name)
            return False
        places = spec.submodule_search_locations
        file = spec.origin if spec.has_location else None
        self.table[name] = (file, None if places is None else tuple(places))
        self._todo.append(name)
        return True

    def _is_ours(self, spec: ModuleSpec) -> bool:
        """Return whether a module is of the project, if only by a link that leads out of it."""
        if spec.has_location and spec.origin is not None:
            places = [spec.origin] if spec.origin.endswith(".py") else []
        else:
            places = list(spec.submodule_search_locations or ())
        roots = (str(self._sendable.root), str(self._root))
        return any(
            any(_is_below(place, root) for root in roots) and not place.startswith(self._installed)
            for place in places
        )


def _found_in(folders: Iterable[str], name: str) -> ModuleSpec | None:
    """Find a submodule in the folders of its package, which need not be imported.

    `PathFinder` looks for the package among the modules where it finds a folder without a file.
    """
    portions: list[str] = []
    for folder in folders:
        finder = pkgutil.get_importer(folder)
        spec = finder.find_spec(name) if finder is not None else None
        if spec is not None and spec.loader is not None:
            return spec
        portions += (spec.submodule_search_locations or ()) if spec is not None else ()
    if not portions:
        return None
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = portions
    return spec


class _Import(NamedTuple):
    """A statement, or a call, that imports: `from ..module import a, b` has the level 2."""

    level: int
    module: str
    parts: tuple[str, ...] = ()

    def names(self, package: str) -> Iterator[str]:
        """Yield the modules that it may import, in a module of that package."""
        around = package.split(".") if package else []
        if self.level > len(around):
            return
        base = around[: len(around) - self.level + 1] if self.level else []
        name = ".".join([*base, *([self.module] if self.module else [])])
        yield name
        for part in self.parts:  # a module, or what there is in one
            yield f"{name}.{part}"


@cache  # of a session: each of its runs sends much the same
def _imports(source: bytes) -> tuple[_Import, ...]:
    """Return what is imported anywhere in a source, but for annotations alone."""
    if b"import" not in source:
        return ()
    try:
        todo: list[ast.AST] = [ast.parse(source)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    has_calls = any(name.encode() in source for name in IMPORTERS)
    found: list[_Import] = []
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            found += [_Import(0, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parts = tuple(alias.name for alias in node.names if alias.name != "*")
            found.append(_Import(node.level, node.module or "", parts))
        elif isinstance(node, ast.Call) and (called := _called(node)) is not None:
            found.append(called)
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            todo += node.orelse
        elif has_calls:
            todo += ast.iter_child_nodes(node)
        else:  # expressions, which are nearly all of a source, hold no statements
            for name in BLOCKS:
                todo += getattr(node, name, ())
    return tuple(dict.fromkeys(found))


def _called(node: ast.Call) -> _Import | None:
    """Return what a call imports whose argument can be read here: `import_module("a.b")`."""
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    words = [one.value for one in node.args[:1] if isinstance(one, ast.Constant)]
    if name not in IMPORTERS or not words or not isinstance(words[0], str):
        return None
    module = words[0].lstrip(".")
    return _Import(len(words[0]) - len(module), module)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"
