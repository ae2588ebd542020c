"""Run tests of pytest itself without the plugin and with it, and compare the outcomes.

The sources of the installed pytest are fetched from the package index, and two new environments
are made: one with pytest and what its tests need, one with parwork as well, which the sessions
inside those tests then load, too. Exits with 1 if an outcome differs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FILES = (
    "testing/test_skipping.py",
    "testing/test_mark.py",
    "testing/python/fixtures.py",
    "testing/test_junitxml.py",
    "testing/test_warnings.py",
    "testing/test_terminal.py",
)

#: A plugin that records the outcome of each test.
RECORDER = """
import json, os

OUTCOMES = {}

def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        expected = " (xfail)" if hasattr(report, "wasxfail") else ""
        OUTCOMES[report.nodeid] = f"{report.when} {report.outcome}{expected}"

def pytest_sessionfinish():
    with open(os.environ["RECORDED"], "w") as file:
        json.dump(OUTCOMES, file)
"""

#: Seconds for all the tests in one environment.
DEADLINE = 1800.0


def main() -> int:
    """Compare, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", default=FILES, help="below pytest's source folder")
    files = parser.parse_args().files
    with tempfile.TemporaryDirectory(prefix="pytest-suite-") as folder:
        here = Path(folder)
        (here / "recorder.py").write_text(RECORDER, encoding="utf-8")
        sources = fetched(here)
        wanted = [f"pytest[dev]=={pytest.__version__}"]
        bare = environment(here / "bare", wanted)
        with_plugin = environment(here / "with-plugin", [*wanted, str(ROOT)])
        for python, is_there in ((bare, False), (with_plugin, True)):
            output = run([str(python), "-m", "pytest", "-VV"], cwd=here)
            assert ("pytest-parwork" in output) is is_there, output
        without = outcomes(bare, sources, files)
        found = outcomes(with_plugin, sources, files)
        differing = differences(without, found)
        if differing:  # some of them depend on time: a second look
            print(f"again: {len(differing)} that differ", flush=True)
            without |= outcomes(bare, sources, list(differing))
            found |= outcomes(with_plugin, sources, list(differing))
            differing = differences(without, found)
    print(f"pytest {pytest.__version__}, {len(without)} tests in {len(files)} files")
    for name, ends in (("without", without), ("with", found)):
        print(f"  {name:<8}", ", ".join(f"{n} {end}" for end, n in Counter(ends.values()).items()))
    for id, (before, after) in differing.items():
        print(f"  DIFFERENT {id}: {before} without, {after} with")
    print(f"  {len(differing)} of them end in another way")
    return 1 if differing or not without else 0


def fetched(folder: Path) -> Path:
    """Return the folder with the sources of the pytest that runs this."""
    wanted = f"pytest=={pytest.__version__}"
    run([sys.executable, "-m", "pip", "download", "-q", "--no-binary", ":all:", "--no-deps", wanted,
         "-d", str(folder)])  # fmt: skip
    (archive,) = folder.glob("pytest-*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def environment(folder: Path, wanted: Sequence[str]) -> Path:
    """Make an environment and return its Python."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    run([str(python), "-m", "pip", "install", "-q", *wanted])
    return python


def outcomes(python: Path, sources: Path, tests: Sequence[str]) -> dict[str, str]:
    """Run tests in an environment, and return what became of each."""
    recorded = python.parent / "recorded.json"
    recorded.unlink(missing_ok=True)
    output = run(
        [str(python), "-m", "pytest", "-q", "-p", "recorder", *tests],
        cwd=sources,
        env={"RECORDED": str(recorded), "PYTHONPATH": str(python.parents[2])},
        is_checked=False,
    )
    print(output.strip().splitlines()[-1], flush=True)
    found: dict[str, str] = json.loads(recorded.read_text(encoding="utf-8"))
    return found


def differences(
    without: Mapping[str, str], found: Mapping[str, str]
) -> dict[str, tuple[str | None, str | None]]:
    """Return both outcomes of each test where they differ, None for none."""
    pairs = {id: (without.get(id), found.get(id)) for id in {**without, **found}}
    return {id: pair for id, pair in pairs.items() if pair[0] != pair[1]}


def run(
    command: Sequence[str],
    *,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    is_checked: bool = True,
) -> str:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**kept, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE,
    )
    if is_checked and done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
