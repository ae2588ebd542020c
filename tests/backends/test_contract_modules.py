"""Functions in modules that a worker cannot import by itself, on every backend."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.carrier import CONTRACT, IN_PROCESS, Carrier

from pytest_parwork.model.work import Address, Task
from pytest_parwork.transport.modules import ModuleTable, project_modules
from pytest_parwork.worker.processes import Attached

Load = Callable[[str], ModuleTable]


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    """Give a function that imports a module below `tmp_path` and returns the table for workers.

    Afterwards it is neither in `sys.path` nor in `sys.modules`.
    """
    before = set(sys.modules)

    def load(module: str) -> ModuleTable:
        sys.path.insert(0, str(tmp_path))
        importlib.invalidate_caches()
        try:
            importlib.import_module(module)
        finally:
            sys.path.remove(str(tmp_path))
        return project_modules(tmp_path)

    yield load
    for module in project_modules(tmp_path):
        del sys.modules[module]
    for module in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[module], "__path__", "")):
            del sys.modules[module]


def forget(table: ModuleTable) -> None:
    """Take the modules off `sys.modules`, so that a forked worker has no advantage."""
    for module in table:
        del sys.modules[module]


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        file = folder.joinpath(*name.split("__")).with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def tasks_of(module: str, function: str) -> list[Task]:
    here = getattr(sys.modules[module], function)
    address = Address(module=module, attribute=function)
    return [Task(id=str(x), function=here, address=address, args=(x,)) for x in range(4)]


def test_a_file_outside_of_the_import_path(carrier: Carrier, tmp_path: Path, load: Load) -> None:
    write(tmp_path, far_away="def f(x):\n    return x + 1\n")
    table = load("far_away")
    found = tasks_of("far_away", "f")
    forget(table)
    assert carrier(found, modules=table) == [1, 2, 3, 4]


def test_a_worker_that_is_used_again_takes_this_run_s_module_of_a_name(
    carrier: Carrier, tmp_path: Path, load: Load
) -> None:
    for by in (10, 20):
        write(tmp_path / str(by), same_name=f"def f(x):\n    return x + {by}\n")
        file = str(tmp_path / str(by) / "same_name.py")
        sys.path.insert(0, str(tmp_path / str(by)))
        importlib.invalidate_caches()
        importlib.import_module("same_name")
        del sys.path[0]
        found = tasks_of("same_name", "f")
        del sys.modules["same_name"]
        assert carrier(found, modules={"same_name": (file, None)}) == [x + by for x in range(4)]


def test_a_package_with_relative_imports(carrier: Carrier, tmp_path: Path, load: Load) -> None:
    write(
        tmp_path,
        some_package____init__="",
        some_package__deep____init__="",
        some_package__helper="BY = 5\n",
        some_package__deep__module=(
            "from ..helper import BY\nfrom . import near\n"
            "def f(x):\n    from .later import g\n    return g(x) + BY + near.NONE\n"
        ),
        some_package__deep__near="NONE = 0\n",
        some_package__deep__later="def g(x):\n    return 100 * x\n",
    )
    table = load("some_package.deep.module")
    found = tasks_of("some_package.deep.module", "f")
    if carrier.name not in IN_PROCESS:
        forget(table)
    assert carrier(found, modules=table) == [5, 105, 205, 305]


def test_a_namespace_package(carrier: Carrier, tmp_path: Path, load: Load) -> None:
    write(
        tmp_path,
        spacious__inner__module="from . import other\ndef f(x):\n    return x * other.BY\n",
        spacious__inner__other="BY = 3\n",
    )
    table = load("spacious.inner.module")
    assert table["spacious"][0] is None
    found = tasks_of("spacious.inner.module", "f")
    if carrier.name not in IN_PROCESS:
        forget(table)
    assert carrier(found, modules=table) == [0, 3, 6, 9]


def test_a_function_that_is_sent_itself_finds_its_module(
    carrier: Carrier, tmp_path: Path, load: Load
) -> None:
    write(
        tmp_path,
        by_reference="class Item:\n    def __init__(self, x):\n        self.x = x\n"
        "def f(x):\n    return Item(x)\n",
    )
    table = load("by_reference")
    item = sys.modules["by_reference"].Item
    function = sys.modules["by_reference"].f
    run = carrier([Task(id=str(x), function=function, args=(x,)) for x in range(4)], modules=table)
    for x, outcome in enumerate(run.outcomes):
        assert type(outcome.value) is item, "the class must be the one that lives here"
        assert vars(outcome.value) == {"x": x}


@pytest.mark.parametrize("name", [n for n in CONTRACT if n not in IN_PROCESS], indirect=True)
def test_a_module_that_cannot_be_imported_fails_each_of_its_tasks(
    carrier: Carrier, tmp_path: Path, load: Load
) -> None:
    write(tmp_path, broken="raise SystemExit('not importable')\n")
    task = Task(id="0", function=abs, address=Address(module="broken", attribute="f"))
    run = carrier([task] * 3, modules={"broken": (str(tmp_path / "broken.py"), None)})
    for outcome in run.outcomes:
        assert outcome.failure is not None
        assert outcome.failure.type == "SystemExit"
        assert outcome.failure.text == "not importable"
        assert outcome.failure.where is not None
        assert outcome.failure.where == (str(tmp_path / "broken.py"), 1)


def modules_of_this_worker() -> tuple[bool, bool]:
    """Return whether the modules at its start are known, and whether a later run would use them."""
    assert Attached.current is not None
    return __name__ in Attached.current.modules, bool(Attached.forked_with)


@pytest.mark.parametrize("name", ["processes:fork", "isolated:fork"], indirect=True)
def test_a_fork_uses_the_modules_of_its_parent_for_its_first_run_only(carrier: Carrier) -> None:
    assert carrier.map(modules_of_this_worker, (), ()) == [(True, False)] * 2
    assert not Attached.forked_with, "this process keeps no removed module alive"
