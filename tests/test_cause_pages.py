"""The pages on causes: there is one for each cause, and its example produces it."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import pytest_parwork

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {page.stem.upper(): page for page in sorted((DOCS / "causes").glob("*.md"))}
SOURCES = Path(pytest_parwork.__file__).parent / "verify" / "diagnosis"

#: The examples that run daily: variants that nothing else asks for daily.
DAILY = ("INTERFERENCE", "REDUCTION_BUG")

#: The causes that are one word.
SINGLE = "INTERFERENCE|SERIALIZATION|UNEXPLAINED|UNREPRODUCED"

#: Seconds of the diagnosis, on a busy machine, and of the session.
PATIENCE, DEADLINE = 28.0, 55.0


def example(page: Path) -> str:
    found = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def names_in(source: Path) -> set[str]:
    """Return the names of causes in a module: the words in capitals that are nothing but that."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(rf"[A-Z]{{2,}}(_[A-Z]+)+|{SINGLE}", node.value)
    }


def test_each_cause_of_the_diagnosis_has_a_page_and_each_page_a_cause() -> None:
    named = set().union(*(names_in(source) for source in SOURCES.glob("*.py")))
    assert named - {"PYTHONHASHSEED"} == set(PAGES)
    listed = re.findall(r"^causes/(\w+)$", (DOCS / "causes.md").read_text(), re.MULTILINE)
    assert sorted(name.upper() for name in listed) == sorted(PAGES)


def test_each_page_says_what_it_is_and_what_to_do() -> None:
    for name, page in PAGES.items():
        text = page.read_text(encoding="utf-8")
        headings = re.findall(r"^#+ (.*)$", text.partition("```")[0], re.MULTILINE)
        assert headings == [name, "Evidence", "Remedy", "The least that produces it"]
        compile(example(page), page.name, "exec")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in DAILY else pytest.mark.sweep) for name in PAGES],
)
def test_the_example_of_a_page_produces_its_cause(name: str, tmp_path: Path) -> None:
    causes = causes_of(example(PAGES[name]), tmp_path)
    assert causes, "nothing differed"
    named = [cause["name"] for cause in causes]
    assert name == named[0] or (name == "REFERENCE_POISONED" and name in named), causes


def causes_of(module: str, folder: Path) -> list[dict[str, Any]]:
    """Return the causes that a session over a module reports."""
    (folder / "test_example.py").write_text(module, encoding="utf-8")
    (folder / "conftest.py").write_text(
        f"from pytest_parwork.verify.diagnosis import diagnosis\ndiagnosis.LEAST = {PATIENCE}\n",
        encoding="utf-8",
    )
    words = ("-p", "pytest_parwork.plugin", "-p", "no:cacheprovider", "--rootdir=.", "-q")
    environment = dict(os.environ, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    environment.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "--parwork-report=report.json"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return [cause for run in report["runs"] for cause in run["causes"]]
