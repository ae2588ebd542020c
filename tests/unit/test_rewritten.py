"""Rewritten code of modules, and the stand-in for the module of pytest that it imports."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pickle
import subprocess
import sys
from pathlib import Path
from types import CodeType, ModuleType

import pytest
from _pytest.assertion.rewrite import rewrite_asserts

from pytest_parwork.plugin.session import rewriting
from pytest_parwork.transport.modules import take_over
from pytest_parwork.transport.rewritten import NEEDED, STAND_IN, dump_code, load_code

SOURCE = "def check(n):\n    assert n == 7\n    return n\n"


def rewritten(source: str, file: str = "checked.py") -> CodeType:
    tree = ast.parse(source)
    rewrite_asserts(tree, source.encode())
    code = compile(tree, file, "exec", dont_inherit=True)
    assert isinstance(code, CodeType)
    return code


def test_pytest_is_imported_when_an_assertion_fails_and_not_before(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(dump_code(rewritten(SOURCE)))
    program = f"""
import sys
from pytest_parwork.transport.rewritten import load_code
space = {{}}
exec(load_code(open({str(tmp_path / "data")!r}, "rb").read()), space)
assert space["check"](7) == 7
assert "_pytest" not in sys.modules
try:
    space["check"](8)
except AssertionError as error:
    assert str(error) == "assert 8 == 7", error
assert "_pytest" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_code_of_another_python_is_not_loaded() -> None:
    data = dump_code(rewritten(SOURCE))
    magic = importlib.util.MAGIC_NUMBER
    assert load_code(data) is not None
    assert load_code(bytes(len(magic)) + data[len(magic) :]) is None
    assert load_code(b"") is None


def test_code_of_this_package_is_not_sent(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewriting, "rewritten_code", lambda _: rewritten(SOURCE))
    names = ("pytest_parwork", "pytest_parwork.transport.spool", "parwork_tasks")
    table = {name: (f"{name}.py", None) for name in names}
    monkeypatch.setitem(sys.modules, "parwork_tasks", ModuleType("parwork_tasks"))
    assert rewriting.rewritten(request.node, table).keys() == {"parwork_tasks"}


def test_the_stand_in_is_sent_as_the_module_itself() -> None:
    assert load_code(dump_code(rewritten(SOURCE))) is not None
    late = sys.modules[STAND_IN].assertion.rewrite
    assert pickle.loads(pickle.dumps(late)) is importlib.import_module(NEEDED)


def test_a_module_that_a_worker_has_without_rewritten_assertions_is_imported_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "checked_here.py"
    file.write_text(SOURCE, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.setitem(sys.modules, file.stem, None)  # so that it is taken away afterwards
    monkeypatch.delitem(sys.modules, file.stem)
    table = {file.stem: (str(file), None)}
    take_over(table, [])
    plain = importlib.import_module(file.stem)
    code = {file.stem: dump_code(rewritten(SOURCE, str(file)))}
    for _ in range(2):
        take_over(table, [], code)
        module = importlib.import_module(file.stem)
        assert module is not plain
        with pytest.raises(AssertionError, match=r"^assert 8 == 7$"):
            module.check(8)
    assert module is sys.modules[file.stem]
