"""The selection of project files that are sent to workers without access to them.

These are the modules that are imported here, and all modules that their import statements name,
wherever these are located, and so on recursively. Other files in the same folders are not sent:
they may be confidential.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path, PurePath
from typing import NamedTuple

from ..machine.syntax import parse
from ..model.comparison import Note
from ..model.dataclass import dataclass
from ..model.outcome import Outcome
from .modules import ModuleTable, Sources, installed_folders

#: The remedy for a module that no import statement names.
REMEDY = (
    "its worker can import only the modules that were sent: import the missing one at the top of "
    "the test module or in conftest.py, so that it is sent, or install it on the workers"
)

#: Functions that import the module that their first argument names.
IMPORTERS = {"__import__", "import_module", "importorskip"}

#: The attributes of statements that hold other statements.
BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sendable:
    """The files that may be sent: those below `root` that no pattern in `no_send` matches.

    A pattern is matched against the path of the file, or of a folder that contains it, relative to
    `root`; one without a slash also against the names alone. A `*` matches slashes as well. Without
    `root`, only files that are imported here may be sent.
    """

    root: Path | None = None
    no_send: tuple[str, ...] = ()

    def objection(self, file: str) -> str:
        """Return the reason why a file must not be sent, empty if it may be."""
        real = os.path.realpath(file)
        if self.root is not None and not _is_below(real, os.path.realpath(self.root)):
            return (
                f"{self.name(file)} was not sent, because its path leads through a link out of the "
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
        """Return the path of a file relative to the root."""
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
    """The modules that workers can import, their sources, and the names of files (not) sent."""

    modules: ModuleTable
    sources: Sources
    sent: tuple[str, ...]
    withheld: tuple[str, ...]


def select(modules: ModuleTable, sendable: Sendable) -> Selection:
    """Select what is sent of the project whose `modules` are imported here.

    In the worker, importing a withheld module raises `ModuleNotFoundError` with the reason.
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

    `sent` are the files that were sent to it, none if it has access to the project's. The error for
    a withheld module needs no note: it has the reason in its text.
    """
    failure, not_sent = parallel.failure, parallel.not_sent
    if not sent:
        return None
    if failure is not None:
        text = f"{failure.type}: {failure.text}\n{failure.traceback}"
    else:
        text = not_sent.detail if not_sent is not None else ""
    if ModuleNotFoundError.__name__ not in text or " was not sent, because " in text:
        return None
    return Note(path="", kind="not-sent", text=REMEDY)


class _Needed:
    """The needed modules, found by following the imports in the sources that are sent."""

    def __init__(self, modules: ModuleTable, sendable: Sendable) -> None:
        package = __package__.partition(".")[0]
        # The workers have this package, and are using it already.
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
        """Read the sources, and add the modules that they import, until there are no new ones."""
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
        """Return whether a module is in the table, after adding it if it is the project's."""
        if name in self.table:
            return True
        if name in self._elsewhere or self._root is None:
            return False
        parent = name.rpartition(".")[0]
        spec: ModuleSpec | None = None
        if not parent or self._has(parent):
            # Any installed finder may be asked, and may raise anything.
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
        """Return whether a module is the project's, even by a link to a file outside of it."""
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

    `PathFinder` would require the package to be imported where it is a folder without a file.
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
    """An import statement, or a call that imports: `from ..module import a, b` has level 2."""

    level: int
    module: str
    parts: tuple[str, ...] = ()

    def names(self, package: str) -> Iterator[str]:
        """Yield the modules that it may import in a module of `package`."""
        around = package.split(".") if package else []
        if self.level > len(around):
            return
        base = around[: len(around) - self.level + 1] if self.level else []
        name = ".".join([*base, *([self.module] if self.module else [])])
        yield name
        for part in self.parts:  # a submodule, or an attribute
            yield f"{name}.{part}"


@cache  # for the session: its runs send mostly the same files
def _imports(source: bytes) -> tuple[_Import, ...]:
    """Return all imports anywhere in a source, except those for annotations only."""
    if b"import" not in source:
        return ()
    try:
        todo: list[ast.AST] = [parse(source)]
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
        else:  # expressions, which make up most of a source, contain no statements
            for name in BLOCKS:
                todo += getattr(node, name, ())
    return tuple(dict.fromkeys(found))


def _called(node: ast.Call) -> _Import | None:
    """Return the import of a call with a literal argument: `import_module("a.b")`."""
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
