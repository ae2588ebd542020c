"""The ten folders of the package in one line, held as data and enforced."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import pytest_parwork

PACKAGE = Path(pytest_parwork.__file__).parent

#: A module imports from its own folder, and from those before it.
ORDER = (
    "model",
    "machine",
    "equivalence",
    "transport",
    "worker",
    "backends",
    "runner",
    "report",
    "verify",
    "plugin",
)

#: These may import everything, and nothing in the folders imports them.
BESIDE = {"__init__", "__main__", "testing"}

#: What adapters share. All else in `backends` is one adapter, a file or a folder.
SHARED = {"backends", "backends.parts", "backends.protocol", "backends.table"}

#: Longest file and longest function, in lines: what is longer splits by subject.
LONGEST_FILE, LONGEST_FUNCTION = 300, 60

#: The only adapter that uses another: joblib can run on dask.
PAIRS = {("joblib", "dask")}


class Tree:
    """The modules of a package, and what each imports of the package and of others."""

    def __init__(self, package: Path) -> None:
        self.package = package
        self.trees = {
            _name(file.relative_to(package)): ast.parse(file.read_text(encoding="utf-8"))
            for file in sorted(package.rglob("*.py"))
        }
        self.is_folder = {
            name: (package.joinpath(*name.split(".")) / "__init__.py").exists()
            for name in self.trees
        }
        self._imports: dict[str, frozenset[str]] = {}

    def imports(self, name: str) -> frozenset[str]:
        """Return every module that `name` imports, anywhere; those of the package as `.model.work`.

        Each module is looked through once: all together take a second.
        """
        if name not in self._imports:
            self._imports[name] = frozenset(self._imported_by(name))
        return self._imports[name]

    def _imported_by(self, name: str) -> Iterator[str]:
        """Yield each import of a module as often as it is there.

        `from . import sibling` names the package around both, too, unless that is around `name`.
        """
        parts = () if name == "__init__" else tuple(name.split("."))
        here = parts if name == "__init__" or self.is_folder[name] else parts[:-1]
        for node in ast.walk(self.trees[name]):
            if isinstance(node, ast.Import):
                yield from (self._own(alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                if node.level:
                    base = here[: len(here) - node.level + 1]
                    source = "." + ".".join((*base, *([node.module] if node.module else [])))
                else:
                    source = self._own(node.module or "")
                below = [f"{source.rstrip('.')}.{alias.name}" for alias in node.names]
                modules = [other for other in below if other.removeprefix(".") in self.trees]
                # A package is imported before what is in it; only a name of its own is a tie.
                if len(modules) < len(below):
                    yield source
                yield from modules

    def own(self, name: str) -> set[str]:
        """Return the modules of the package that `name` imports."""
        below = {other[1:] or "__init__" for other in self.imports(name) if other[:1] == "."}
        return below - {name}

    def _own(self, name: str) -> str:
        package = self.package.name
        return "." if name == package else re.sub(rf"^{package}\.", ".", name)


def _name(file: Path) -> str:
    parts = file.with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "__init__"


def folder(name: str) -> str:
    return name.partition(".")[0]


def adapter(name: str) -> str | None:
    """Return the adapter that a module belongs to, None where adapters share it."""
    return None if name in SHARED or folder(name) != "backends" else name.split(".")[1]


def upward(tree: Tree, name: str) -> list[str]:
    """Return what a folder imports from folders behind it, or from beside the line."""
    allowed = ORDER[: ORDER.index(name) + 1]
    return sorted(
        f"{module} imports {other}"
        for module in tree.trees
        if folder(module) == name
        for other in tree.own(module)
        if folder(other) not in allowed
    )


def pytest_users(tree: Tree, library: str) -> set[str]:
    return {
        module
        for module in tree.trees
        if any(other.partition(".")[0] == library for other in tree.imports(module))
    }


def circle(edges: Mapping[str, set[str]]) -> list[str]:
    """Return the modules that wait for one another, empty if there is an order for all."""
    left = dict(edges)
    while ready := [name for name in left if not left[name] & left.keys()]:
        for name in ready:
            del left[name]
    # What only depends on a circle is not in it.
    while loose := [name for name in left if not any(name in left[other] for other in left)]:
        for name in loose:
            del left[name]
    return sorted(left)


def crossings(tree: Tree) -> list[str]:
    """Return where one adapter imports another."""
    found = []
    for module in tree.trees:
        for other in tree.own(module):
            mine, theirs = adapter(module), adapter(other)
            if mine and theirs and mine != theirs and (mine, theirs) not in PAIRS:
                found.append(f"{module} imports {other}")
    return sorted(found)


@pytest.fixture(scope="module")
def tree() -> Tree:
    return Tree(PACKAGE)


def test_there_are_ten_folders_and_nothing_else(tree: Tree) -> None:
    assert {folder(name) for name in tree.trees} - BESIDE == set(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_a_folder_imports_from_folders_before_it_only(tree: Tree, name: str) -> None:
    assert upward(tree, name) == []


def test_pytest_is_imported_in_plugin_alone(tree: Tree) -> None:
    users = pytest_users(tree, "pytest")
    assert {folder(name) for name in users} - BESIDE == {"plugin"}


def test_private_names_of_pytest_are_imported_in_compat_alone(tree: Tree) -> None:
    assert pytest_users(tree, "_pytest") <= {"plugin.compat"}


def test_no_circle_even_for_type_checkers(tree: Tree) -> None:
    assert circle({name: tree.own(name) for name in tree.trees if name not in BESIDE}) == []


def test_an_adapter_imports_no_other(tree: Tree) -> None:
    assert crossings(tree) == []


def long_parts(tree: Tree) -> list[str]:
    """Return the files and functions that are too long to be read at once."""
    found = []
    for name, parsed in tree.trees.items():
        if parsed.body and (end := parsed.body[-1].end_lineno or 0) > LONGEST_FILE:
            found.append(f"{name}: {end} lines")
        for node in ast.walk(parsed):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    found.append(f"{name}.{node.name}: {length} lines")
    return found


def test_files_and_functions_are_short(tree: Tree) -> None:
    assert long_parts(tree) == []


def test_few_files_have_next_to_nothing_of_their_own(tree: Tree) -> None:
    ends = {name: parsed.body[-1].end_lineno or 0 for name, parsed in tree.trees.items()}
    small = [name for name, end in ends.items() if end < 40 and not tree.is_folder[name]]
    assert len(small) < 20, small


def test_a_module_opens_with_one_sentence(tree: Tree) -> None:
    opening = {
        name: (ast.get_docstring(parsed) or "").split("\n\n")[0]
        for name, parsed in tree.trees.items()
    }
    assert {name: text for name, text in opening.items() if not text.endswith(".")} == {}


def test_dataclasses_are_made_by_the_decorator_of_the_package(tree: Tree) -> None:
    users = {
        name
        for name, parsed in tree.trees.items()
        for node in ast.walk(parsed)
        if isinstance(node, ast.ImportFrom) and node.module == "dataclasses"
        if any(alias.name == "dataclass" for alias in node.names)
    }
    assert users == {"model.dataclass"}


class TestTheRules:
    """Each finds what breaks it, in a package made for that."""

    @pytest.fixture
    def broken(self, tmp_path: Path) -> Tree:
        package = tmp_path / "package"
        files = {
            "__init__.py": "",
            "model/__init__.py": "",
            "model/work.py": "if TYPE_CHECKING:\n    from ..machine.clock import now",
            "machine/__init__.py": "",
            "machine/clock.py": "def f():\n    import pytest",
            "machine/cpus.py": "from package.testing import contract",
            "testing.py": "from . import __version__",
            "backends/__init__.py": "from .protocol import Backend",
            "backends/protocol.py": "",
            "backends/threads.py": "from . import processes",
            "backends/processes.py": "from .protocol import Backend\nfrom .dask import local",
            "backends/dask/__init__.py": "",
            "backends/dask/local.py": "if TYPE_CHECKING:\n    from .joined import Joined",
            "backends/dask/joined.py": "from .local import Local",
            "backends/joblib.py": "from .dask.local import Local",
            "plugin/__init__.py": "from .compat import x",
            "plugin/compat.py": "import _pytest.fixtures",
        }
        for name, text in files.items():
            (package / name).parent.mkdir(parents=True, exist_ok=True)
            (package / name).write_text(text, encoding="utf-8")
        return Tree(package)

    def test_an_import_from_a_folder_behind(self, broken: Tree) -> None:
        assert upward(broken, "model") == ["model.work imports machine.clock"]

    def test_an_import_from_beside_the_line(self, broken: Tree) -> None:
        assert upward(broken, "machine") == ["machine.cpus imports testing"]

    def test_pytest_inside_a_function(self, broken: Tree) -> None:
        assert pytest_users(broken, "pytest") == {"machine.clock"}
        assert pytest_users(broken, "_pytest") == {"plugin.compat"}

    def test_a_circle_that_only_type_checkers_see(self, broken: Tree) -> None:
        edges = {name: broken.own(name) for name in broken.trees}
        assert circle(edges) == ["backends.dask.joined", "backends.dask.local"]

    def test_a_long_function_and_the_file_around_it(self, tmp_path: Path) -> None:
        (tmp_path / "long.py").write_text("def f():\n" + "    x = 1\n" * 300, encoding="utf-8")
        assert long_parts(Tree(tmp_path)) == ["long: 301 lines", "long.f: 301 lines"]

    def test_an_adapter_that_imports_another(self, broken: Tree) -> None:
        assert crossings(broken) == [
            "backends.processes imports backends.dask.local",
            "backends.threads imports backends.processes",
        ]


#: What these modules load of others takes longer to import than all of the package.
HEAVY = {"joblib", "numpy", "dask", "threadpoolctl", "cloudpickle"}


@pytest.mark.parametrize(
    ("module", "libraries"),
    [
        pytest.param("backends", HEAVY | {"pytest"}, id="the address for authors of backends"),
        pytest.param("plugin", HEAVY, id="the plugin"),
        pytest.param(
            "worker.processes", {"numpy", "pytest", "pytest_parwork.equivalence"}, id="the worker"
        ),
        pytest.param("worker.network", {"numpy", "pytest", "pytest_parwork.equivalence"}, id="far"),
    ],
)
def test_it_loads_without_libraries(module: str, libraries: set[str]) -> None:
    assert not libraries & loaded_by(f"import pytest_parwork.{module}")


def test_the_process_that_watches_pytest_imports_next_to_nothing() -> None:
    code = "import pytest_parwork.machine.leavings"
    assert not {"dataclasses", "inspect", "re", "typing"} & loaded_by(code, "-I", "-S")


@pytest.mark.parametrize(
    "feature",
    [
        *("plugin.variants.running", "runner.ambient", "report.scaling", "machine.observation"),
        *("verify.diagnosis.diagnosis", "verify.second_look", "runner.over_network"),
        *("backends.dask.joined", "backends.dask.local", "backends.joblib.ray_driver"),
        *("backends.isolated", "backends.multiprocessing"),
    ],
)
def test_a_session_with_cases_loads_no_feature_that_it_does_not_use(
    feature: str, loaded_by_a_session: frozenset[str]
) -> None:
    assert "pytest_parwork.plugin.running.hooks" in loaded_by_a_session
    assert f"pytest_parwork.{feature}" not in loaded_by_a_session


@pytest.fixture(scope="module")
def loaded_by_a_session() -> frozenset[str]:
    return loaded_by(
        "import pytest_parwork.backends, pytest_parwork.plugin.running.hooks;"
        "import pytest_parwork.report.terminal;"
        "pytest_parwork.backends.bundled()"
    )


def loaded_by(code: str, *options: str) -> frozenset[str]:
    """Return the modules that a new process has loaded when it has run this."""
    code = f"import sys; sys.path.append({str(PACKAGE.parent)!r}); {code}; print(*sys.modules)"
    command = [sys.executable, *options, "-c", code]
    run = subprocess.run(command, timeout=60, capture_output=True, text=True, check=True)
    return frozenset(run.stdout.split())


def test_backends_are_listed_without_multiprocessing() -> None:
    loaded = loaded_by("import pytest_parwork.backends; pytest_parwork.backends.bundled()")
    assert not loaded & {"multiprocessing", "pickle"}
