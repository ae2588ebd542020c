"""The wheel in CPython for WebAssembly, where there are neither processes nor threads.

It needs Node, and the folder of the npm package `pyodide` in PYODIDE (`tox -e wasm`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PYODIDE, NODE = os.environ.get("PYODIDE"), shutil.which("node")
ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.sweep,
    pytest.mark.skipif(PYODIDE is None or NODE is None, reason="there is no pyodide"),
]

CASES = """
import pytest
from pytest_parwork import close, compare

CALLS = iter(range(100))

def test_compare():
    assert compare({"a": [1.0]}, {"a": [1.0]})
    assert compare(1.0, 1.0 + 1e-12, close(rtol=1e-9))
    assert compare({"a": [1.0]}, {"a": [2.0]}).mismatches[0].path == "['a'][0]"

@pytest.mark.parwork(timeout=30)
@pytest.mark.parametrize("n", range(3))
def test_equal(n, tmp_path, capsys):
    print("printed")
    return n

@pytest.mark.parwork
@pytest.mark.parametrize("n", range(2))
def test_differs(n):
    return next(CALLS)

def test_call(parwork):
    assert parwork.map(abs, [1, -2]) == [1, 2]
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the wheel, installed, and what it needs: all is pure Python."""
    folder = tmp_path_factory.mktemp("packages")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, timeout=100, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--target"]
    subprocess.run([*install, str(folder), str(wheel)], check=True, timeout=300)
    return folder


def _run(packages: Path, tests: Path, *options: str) -> tuple[int, str]:
    assert NODE is not None
    assert PYODIDE is not None
    (tests / "test_it.py").write_text(CASES, encoding="utf-8")
    script = Path(__file__).with_name("session.mjs")
    done = subprocess.run(
        [NODE, str(script), str(Path(PYODIDE).resolve()), str(packages), str(tests), *options],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    return done.returncode, " ".join(f"{done.stdout} {done.stderr}".split())


def test_serial_runs_and_compares(packages: Path, tmp_path: Path) -> None:
    code, text = _run(packages, tmp_path, "--parwork-backend=serial", "--parwork-report=r.json")
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "5 passed" in text
    assert "2 failed" in text
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    verdicts = {run["id"].partition("::")[2]: run["verdict"] for run in report["runs"]}
    assert verdicts == {
        "test_equal": "NOT_EXERCISED",
        "test_differs": "DIFFERENT",
        "test_call::map[0]": "NOT_EXERCISED",
    }


@pytest.mark.parametrize("backend", ["threads", "joblib", "processes", "dask"])
def test_the_others_say_in_one_line_that_they_cannot(
    packages: Path, tmp_path: Path, backend: str
) -> None:
    code, text = _run(packages, tmp_path, f"--parwork-backend={backend}")
    assert code == pytest.ExitCode.USAGE_ERROR
    assert text.count("cannot start here: ") == 1
