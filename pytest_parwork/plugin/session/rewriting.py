"""The modules whose assertions pytest has rewritten, and those of them that workers need."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from types import FunctionType, ModuleType
from typing import NamedTuple

import pytest

from ...transport.modules import ModuleTable, is_rewritten, names_below, project_modules
from ...transport.rewritten import RewrittenCode, dump_code
from ..compat import rewritten_code

_REWRITING = pytest.StashKey["_Rewriting"]()

_KNOWN = pytest.StashKey["_Known"]()


class _Known(NamedTuple):
    """What was found out about the modules of this process, by name, and their ids by then.

    Each run asks, and asking a thousand modules takes a millisecond.
    """

    ids: Mapping[str, int]
    rewritten: frozenset[str]
    below: Sequence[str]


def modules_of(config: pytest.Config, tests: Collection[str]) -> ModuleTable:
    """Return the modules of the project, among them `tests`, and all with rewritten assertions.

    So workers have these wherever they are, for the tests, conftests and registered modules may be
    those of an installed package (`--pyargs`). Not so those of plugins, which pytest rewrites as
    well: no case calls these.
    """
    modules = sys.modules.copy()
    ids = dict(zip(modules, map(id, modules.values()), strict=True))
    known = config.stash.get(_KNOWN, None)
    if known is None or ids != known.ids:
        plugins = (plugin for plugin, _ in config.pluginmanager.list_plugin_distinfo())
        theirs = {str(getattr(each, "__name__", "")).partition(".")[0] for each in plugins}
        names = frozenset(
            name
            for name, module in modules.items()
            if is_rewritten(module) and name.partition(".")[0] not in theirs
        )
        known = _Known(ids, names, names_below(config.rootpath, modules))
        config.stash[_KNOWN] = known
    return project_modules(config.rootpath, tests=known.rewritten.union(tests), below=known.below)


def rewritten(item: pytest.Item, modules: ModuleTable, *used: str) -> RewrittenCode:
    """Return the rewritten code of the project's `modules` that a worker may import for an item.

    `used` are names of further modules, such as that of a function that the item calls.
    """
    stash = item.session.stash
    if _REWRITING not in stash:
        stash[_REWRITING] = _Rewriting(item.session)
    own = getattr(item, "module", None)
    names = {*used, *([own.__name__] if own is not None else [])}
    return _Later(lambda: stash[_REWRITING].of(modules, names))


class _Later(Mapping[str, bytes]):
    """The code of modules, read when somebody asks for it.

    Threads need none of it. Where no bytecode is kept, pytest rewrites each module anew: 50 ms.
    """

    def __init__(self, read: Callable[[], RewrittenCode]) -> None:
        self._read = read

    @cached_property
    def _code(self) -> RewrittenCode:
        return self._read()

    def __getitem__(self, name: str) -> bytes:
        return self._code[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._code)

    def __len__(self) -> int:
        return len(self._code)


class _Rewriting:
    """The code of each module, which is read once in a session."""

    def __init__(self, session: pytest.Session) -> None:
        one_of_each = {item.parent: item for item in session.items}.values()
        tests = (getattr(item, "module", None) for item in one_of_each)
        self._tests = {module.__name__ for module in tests if module is not None}
        self._known: dict[str, bytes] = {}

    def of(self, modules: ModuleTable, used: Collection[str]) -> RewrittenCode:
        """Return the code of all modules but test modules, and of those that these reach.

        A session may have hundreds of test modules, and a worker needs few of them.
        """
        reached: set[str] = set()
        waiting = [
            name
            for name in modules
            if (name not in self._tests or name in used) and not _is_ours(name)
        ]
        while waiting:
            name = waiting.pop()
            module = sys.modules.get(name)
            if name in reached or not isinstance(module, ModuleType):
                continue
            reached.add(name)
            waiting += self._tests.intersection(_referred(module)).intersection(modules)
        return {name: code for name in modules if name in reached and (code := self._code(name))}

    def _code(self, name: str) -> bytes:
        if name not in self._known:
            code = rewritten_code(sys.modules[name])
            self._known[name] = dump_code(code) if code is not None else b""
        return self._known[name]


def _is_ours(name: str) -> bool:
    """Return whether a module is one of this package, below the root in a checkout of it.

    It serves the run in the worker: a second one would not know which places the first has taken.
    """
    return name.partition(".")[0] == __name__.partition(".")[0]


def _referred(module: ModuleType) -> Iterator[str]:
    """Yield the names of the modules that the globals of a module are, or come from."""
    for value in list(vars(module).values()):
        kind = type(value)  # `isinstance` may run code of the value
        with suppress(Exception):  # a class may raise whatever it is asked for
            if issubclass(kind, ModuleType):
                yield value.__name__
            elif issubclass(kind, type | FunctionType):
                yield str(value.__module__)
