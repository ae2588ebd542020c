"""The layers of the package, held as data and enforced."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_parwork

PACKAGE = Path(pytest_parwork.__file__).parent

#: A module imports from lower layers only. A folder is one room: its files may import one another,
#: except backends, where none imports another but what they share.
LAYERS = {
    "printable": -1,
    "errors": 0,
    "listing": 0,
    "comparison": 0,
    "output": 0,
    "model": 0,
    "clock": 0,
    "cpus": 0,
    "marks": 0,
    "version": 0,
    "stats": 1,
    "schedule": 1,
    "budget": 1,
    "equivalence": 1,
    "ledger": 1,
    "spool": 1,
    "modules": 1,
    "limits": 1,
    "deadline": 1,
    "endings": 1,
    "groups": 1,
    "breadcrumb": 1,
    "stacks": 1,
    "private": 1,
    "sources": 2,
    "journal": 2,
    "outside": 2,
    "pickling": 1,
    "culprit": 1,
    "capture": 2,
    "payload": 2,
    "failures": 2,
    "leavings": 2,
    "copies": 2,
    "inputs": 2,
    "carrying": 2,
    "threadcall": 2,
    "worker": 2,
    "sites": 2,
    "network": 2,
    "backends": 3,
    "stage": 2,
    "outcomes": 3,
    "reseeding": 2,
    "runner": 4,
    "reference": 5,
    "stress": 5,
    "diagnosis": 6,
    "report": 6,
    "testing": 6,
    "_compat": 7,
    "distribution": 7,
    "balance": 8,
    "hookspecs": 7,
    "options": 7,
    "marker": 7,
    "commands": 7,
    "capturing": 7,
    "config": 7,
    "cases": 8,
    "calls": 8,
    "fixture": 8,
    "session": 8,
    "plugin": 9,
    "__main__": 9,
}
PYTEST_FROM = 7

#: The only imports inside one layer, besides those inside one folder.
SAME_LAYER = {
    ("comparison", "listing"),
    ("model", "comparison"),
    ("model", "errors"),
    ("model", "output"),
    ("equivalence", "deadline"),
    ("culprit", "deadline"),
    ("culprit", "pickling"),
    ("carrying", "failures"),
    ("failures", "stacks"),
    ("spool", "groups"),
    ("stage", "carrying"),
    ("threadcall", "capture"),
    ("threadcall", "carrying"),
    ("threadcall", "inputs"),
    ("worker", "inputs"),
    ("threadcall", "copies"),
    ("threadcall", "failures"),
    ("worker", "capture"),
    ("worker", "carrying"),
    ("worker", "failures"),
    ("worker", "payload"),
    ("reseeding", "worker"),
    ("stage", "capture"),
    ("stage", "failures"),
    ("stage", "reseeding"),
    ("sites", "capture"),
    ("sites", "journal"),
    ("sites", "payload"),
    ("sites", "worker"),
    ("outside", "journal"),
    ("network", "journal"),
    ("network", "payload"),
    ("network", "sites"),
    ("options", "_compat"),
    ("commands", "options"),
    ("capturing", "_compat"),
    ("config", "options"),
    ("config", "_compat"),
    ("cases", "fixture"),
    ("fixture", "calls"),
    ("cases", "session"),
    ("fixture", "session"),
}


def modules() -> Iterator[tuple[str, Path]]:
    """Yield each module as (dotted name below the package, file)."""
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        if name:
            yield name, file


def imports(file: Path, *, outermost: bool = False) -> Iterator[str]:
    """Yield every module that `file` imports, absolute; with `outermost`, at import time only."""
    package = (PACKAGE.name, *file.relative_to(PACKAGE).parent.parts)
    todo: list[ast.AST] = [ast.parse(file.read_text(encoding="utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join((*base, *([node.module] if node.module else [])))
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)
        elif outermost and (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_type_checking(node)
        ):
            continue
        todo.extend(ast.iter_child_nodes(node))


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def own(names: Iterator[str]) -> set[str]:
    """Keep the package's modules that exist, as dotted names below the package."""
    known = {name for name, _ in modules()}
    below = (name.removeprefix(f"{PACKAGE.name}.") for name in names)
    return {name for name in below if name in known}


def room(name: str) -> str:
    return name.partition(".")[0]


@pytest.mark.parametrize(("name", "file"), list(modules()))
def test_a_module_imports_from_lower_layers_only(name: str, file: Path) -> None:
    here = room(name)
    assert here in LAYERS, f"{name}: give it a place in LAYERS"
    wrong = [
        other
        for other in own(imports(file))
        if room(other) != here
        and LAYERS[room(other)] >= LAYERS[here]
        and (here, room(other)) not in SAME_LAYER
    ]
    assert not wrong, f"{name} (layer {LAYERS[here]}) imports {wrong}"


@pytest.mark.parametrize(("name", "file"), list(modules()))
def test_pytest_is_imported_by_the_upper_layers_only(name: str, file: Path) -> None:
    if LAYERS[room(name)] >= PYTEST_FROM:
        pytest.skip("an upper layer")
    wrong = [other for other in imports(file) if other.split(".")[0] in {"pytest", "_pytest"}]
    assert not wrong


@pytest.mark.parametrize(("name", "file"), list(modules()))
def test_private_names_of_pytest_stay_in_compat(name: str, file: Path) -> None:
    if name == "_compat":
        pytest.skip("its purpose")
    assert not [other for other in imports(file) if other.split(".")[0] == "_pytest"]


@pytest.mark.parametrize(("name", "file"), list(modules()))
def test_no_backend_imports_another(name: str, file: Path) -> None:
    if not name.startswith("backends."):
        pytest.skip("not a backend")
    shared = {"base", "clusters", "contexts", "exits", "forking", "joblib_dask", "loky", "parallel"}
    shared |= {"dask_clock", "dask_futures", "dask_joined", "dask_local", "dask_logs", "dask_nanny"}
    shared |= {"dask_own", "dask_security", "dask_sending", "inherited", "native", "ray"}
    shared |= {"ray_driver"}
    wrong = [other for other in own(imports(file)) if room(other) == "backends"]
    assert set(wrong) <= {"backends", *(f"backends.{name}" for name in shared)}


def test_there_is_no_import_cycle() -> None:
    # `from . import sibling` names the package around both, which is there before either.
    edges = {
        name: {
            other
            for other in own(imports(file, outermost=True))
            if not f"{name}.".startswith(f"{other}.")
        }
        for name, file in modules()
    }
    done: set[str] = set()
    while left := {name for name in edges if name not in done}:
        ready = {name for name in left if edges[name] <= done}
        assert ready, f"a cycle among {sorted(left)}"
        done |= ready


@pytest.mark.parametrize(("name", "file"), list(modules()))
def test_a_module_opens_with_one_sentence(name: str, file: Path) -> None:
    doc = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    assert doc, f"{name} has no docstring"
    first = doc.split("\n\n")[0]
    assert first.endswith("."), f"{name}: {first!r}"


@pytest.mark.parametrize("library", ["joblib", "numpy", "dask", "threadpoolctl", "cloudpickle"])
def test_the_plugin_loads_without_the_heavy_libraries(library: str) -> None:
    code = f"import pytest_parwork.plugin, sys; sys.exit({library!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_the_worker_loads_without_pytest_and_numpy() -> None:
    code = (
        "import pytest_parwork.worker, sys; sys.exit(bool({'pytest', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
