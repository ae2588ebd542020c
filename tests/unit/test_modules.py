"""Modules that are sent as sources, to a process that has none of their files."""

from __future__ import annotations

import importlib
import shutil
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from pytest_parwork.transport.modules import ModuleTable, Sources, lend, project_modules, take_over
from pytest_parwork.transport.sources import Sendable, select

FILES = {
    "shipped/__init__.py": "",
    "shipped/early.py": "BY = 3\n",
    "shipped/later.py": "def add(x):\n    return x + 100\n",
    "shipped/main.py": (
        "from .early import BY\n"
        "def f(x):\n    from .later import add\n    return add(BY * x)\n"
        "def fails():\n    raise ValueError('there')\n"
    ),
    "spread/inner/module.py": "VALUE = 1\n",
    "next_to_it.py": "VALUE = 2\n",
    "on_its_own.py": "def g():\n    import next_to_it\n    return next_to_it.VALUE\n",
    "test_other.py": "",
}


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[tuple[ModuleTable, Sources]]:
    """Provide a project's modules as they are sent; its files no longer exist here."""
    before = set(sys.modules)
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    sys.path.insert(0, str(tmp_path))
    importlib.invalidate_caches()
    try:
        for name in ("shipped.main", "spread.inner.module", "on_its_own"):
            importlib.import_module(name)
        found = select(project_modules(tmp_path), Sendable(root=tmp_path))
    finally:
        sys.path.remove(str(tmp_path))
        for name in set(sys.modules) - before:
            del sys.modules[name]
    shutil.rmtree(tmp_path)
    yield found.modules, found.sources
    assert set(sys.modules) == before, "all is taken back"


def test_modules_and_what_they_import_are_imported_from_their_sources(
    sent: tuple[ModuleTable, Sources],
) -> None:
    modules, sources = sent
    assert "test_other" not in modules
    take_away = lend(modules, [], sources)
    assert importlib.import_module("shipped.main").f(2) == 106
    assert importlib.import_module("spread.inner.module").VALUE == 1
    assert importlib.import_module("on_its_own").g() == 2
    take_away()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("shipped")


def test_a_traceback_shows_lines_of_a_file_that_is_not_there(
    sent: tuple[ModuleTable, Sources],
) -> None:
    take_away = lend(sent[0], [], sent[1])
    module = importlib.import_module("shipped.main")
    assert module.__file__ is not None
    assert not Path(module.__file__).exists()
    try:
        module.fails()
    except ValueError:
        assert "raise ValueError('there')" in traceback.format_exc()
    take_away()


def test_a_module_of_the_process_is_set_aside_and_comes_back(
    sent: tuple[ModuleTable, Sources], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = ModuleType("shipped")
    sys.modules["shipped"] = own
    take_away = lend(sent[0], [], sent[1])
    assert importlib.import_module("shipped.main").f(1) == 103
    take_away()
    assert sys.modules.pop("shipped") is own


def test_folders_come_last_and_are_removed_again(sent: tuple[ModuleTable, Sources]) -> None:
    before = list(sys.path)
    take_away = lend(sent[0], ["/of/the/runner", before[-1], ""], sent[1])
    assert sys.path == [*before, "/of/the/runner"]
    take_away()
    assert sys.path == before


def test_two_runs_with_the_same_sources_share_their_modules(
    sent: tuple[ModuleTable, Sources],
) -> None:
    modules, sources = sent
    first = lend(modules, [], sources)
    module = importlib.import_module("shipped.main")
    second = lend(modules, [], sources)
    assert importlib.import_module("shipped.main") is module
    first()
    assert sys.modules["shipped.main"] is module
    second()


def test_a_changed_source_is_imported_again(sent: tuple[ModuleTable, Sources]) -> None:
    modules, sources = sent
    first = lend(modules, [], sources)
    assert importlib.import_module("shipped.early").BY == 3
    file, _ = modules["shipped.early"]
    assert file is not None
    changed = sources._replace(files={**sources.files, file: b"BY = 4\n"})
    second = lend(modules, [], changed)
    assert importlib.import_module("shipped.early").BY == 4
    second()
    first()


def test_this_package_is_not_sent() -> None:
    import pytest_parwork

    root = Path(pytest_parwork.__file__).parents[1]
    modules = select(project_modules(root), Sendable(root=root)).modules
    assert not [name for name in modules if name.startswith("pytest_parwork")]


def test_a_module_that_was_imported_meanwhile_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("found_first", "found_later"):
        (tmp_path / f"{name}.py").write_text("x = 1\n")
        importlib.import_module(name)
        assert project_modules(tmp_path)[name] == (str(tmp_path / f"{name}.py"), None)
        assert project_modules(tmp_path.parent / "elsewhere") == {}
    del sys.modules["found_later"]
    assert list(project_modules(tmp_path)) == ["found_first"]
    del sys.modules["found_first"]


def test_a_fork_keeps_the_modules_of_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Watched(ModuleType):
        looks = 0

        def __getattribute__(self, name: str) -> object:
            Watched.looks += 1
            return super().__getattribute__(name)

    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    watched = Watched("watched")
    watched.__file__ = str(tmp_path / "watched.py")
    monkeypatch.setitem(sys.modules, "watched", watched)
    table = {"watched": (str(tmp_path / "other" / "watched.py"), None)}
    take_over(table, [str(tmp_path)], is_fork=True)
    assert sys.modules["watched"] is watched
    assert Watched.looks == 0, "to look at a module copies its memory in a fork"
    assert sys.path[0] == str(tmp_path)
    take_over(table, [str(tmp_path)])
    assert "watched" not in sys.modules
