"""Three public suites with --parwork-all, next to plain pytest and other plugins.

`python benchmarks/public_suites.py [SUITE ...]` fetches the sources of released versions from the
package index, checks their checksums, and makes an environment for them, once: all of it is kept in
build/suites. pytest-xdist and pytest-run-parallel compare nothing with a serial run, nor does
`verify=0`. The counts of each run have to be those of plain pytest; tests that end otherwise are
printed, as they are findings.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tarfile
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from measure import REPEATS, Contender, Sample, interleave, measured, show

ROOT = Path(__file__).parents[1]
CACHE = ROOT / "build" / "suites"

#: What the environment has besides parwork: the tools, and what the tests of the suites need.
WANTED = (
    "pytest==9.2.0",
    "pytest-run-parallel==0.10.0",
    "pytest-xdist==3.8.0",
    "attrs==26.1.0",
    "cloudpickle==3.1.3",
    "hypothesis==6.170.17",
    "networkx==3.6.1",
    "packaging==26.4",
    "pip",
    "pretend==1.0.9",
    "psutil==7.2.2",
    "pympler==1.1",
    "tomli_w==1.2.0",
)

#: Settings that would change what pytest and its plugins do.
SETTINGS = ("PYTEST_", "PARWORK_", "PYTHON")

PLAIN = "plain serial pytest"

PARWORK = ("-p", "pytest_parwork.plugin", "--parwork-all", "--parwork-workers=2")

#: Options of each contender.
CONTENDERS: Mapping[str, Sequence[str]] = {
    PLAIN: (),
    "pytest-xdist, -n 2": ("-p", "xdist.plugin", "-n", "2"),
    "pytest-run-parallel, 4 threads": (
        *("-p", "pytest_run_parallel.plugin"),
        "--parallel-threads=4",
    ),
    "parwork, threads": (*PARWORK, "--parwork-backend=threads"),
    "parwork, processes": (*PARWORK, "--parwork-backend=processes"),
    "parwork, joblib": (*PARWORK, "--parwork-backend=joblib"),
    "parwork, processes, verify=0": (
        *PARWORK,
        "--parwork-backend=processes",
        "--parwork-verify=0",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A released version, the SHA-256 of its sources, and the tests in it that are run."""

    name: str
    version: str
    checksum: str
    tests: Sequence[str]

    @property
    def folder(self) -> str:
        """The name of the folder in the archive."""
        return f"{self.name}-{self.version}"


SUITES = (
    Suite(
        name="packaging",
        version="26.4",
        checksum="c4b671c41ddb9bf26e543c37723610d28fb6bf7affc4da17cf048d419d2c062a",
        tests=[f"tests/test_{part}.py" for part in ("metadata", "requirements", "utils")],
    ),
    Suite(
        name="attrs",
        version="26.1.0",
        checksum="d03ceb89cb322a8fd706d4fb91940737b6642aa36998fe130a9bc96c985eff32",
        tests=[  # those without hypothesis, of which pytest-run-parallel makes minutes
            f"tests/test_{part}.py"
            for part in ("annotations", "converters", "next_gen", "setattr", "slots", "validators")
        ],
    ),
    Suite(
        name="networkx",
        version="3.6.1",
        checksum="26b7c357accc0c8cde558ad486283728b65b6a95d85ee1cd66bafab4c8168509",
        tests=["networkx/algorithms/community", "networkx/algorithms/shortest_paths"],
    ),
)


@dataclass(slots=True, kw_only=True)
class Runs:
    """The runs of a suite by all contenders, in its folder of sources, with this Python.

    `counts` are those of the last run of each contender, `summaries` its lines on failed tests.
    """

    suite: Suite
    sources: Path
    python: Path
    counts: dict[str, Mapping[str, int]] = field(default_factory=dict)
    summaries: dict[str, Sequence[str]] = field(default_factory=dict)

    def contender(self, name: str) -> Contender:
        """Return a contender: a whole process of pytest, from its start to its end."""
        return lambda: self._run(name)

    def _run(self, name: str) -> Sample:
        command = [str(self.python), "-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider"]
        command += [*CONTENDERS[name], *self.suite.tests]
        kept = {key: text for key, text in os.environ.items() if not key.startswith(SETTINGS)}
        kept |= {
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPYCACHEPREFIX": str(CACHE / "bytecode"),
        }
        log = CACHE / "output.txt"
        sample, code = measured(command, cwd=self.sources, environment=kept, log=log)
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            raise RuntimeError("\n".join([f"{' '.join(command)} ended with {code}:", *lines[-60:]]))
        self.counts[name] = {
            noun: number
            for noun, number in pytest.RunResult.parse_summary_nouns([f"= {lines[-1]} ="]).items()
            if noun != "warnings"
        }
        self.summaries[name] = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
        return sample

    def show_counts(self) -> None:
        """Print the counts of plain pytest, and what others have in another way."""
        expected = self.counts[PLAIN]
        print(f"  {', '.join(f'{number} {noun}' for noun, number in expected.items())}")
        for name, counts in self.counts.items():
            if counts != expected:
                print(f"  {name}: {', '.join(f'{n} {noun}' for noun, n in counts.items())}")
                known = {line.partition(" - ")[0] for line in self.summaries[PLAIN]}
                for line in self.summaries[name]:
                    if line.partition(" - ")[0] not in known:
                        print(f"    {line}")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="default all three")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="default %(default)s")
    given = parser.parse_args()
    names = [suite.name for suite in SUITES]
    if unknown := [name for name in given.suites if name not in names]:
        parser.error(f"unknown suite {unknown[0]!r}; known: {', '.join(names)}")
    python = environment()
    for suite in SUITES:
        if suite.name in (given.suites or names):
            runs = Runs(suite=suite, sources=fetched(suite), python=python)
            found = interleave({name: runs.contender(name) for name in CONTENDERS}, given.repeats)
            show(suite.folder, found, peer=PLAIN)
            runs.show_counts()


def fetched(suite: Suite) -> Path:
    """Return the folder with the sources of a suite, from the package index if not there yet."""
    archive = CACHE / f"{suite.folder}.tar.gz"
    if not archive.exists():
        run([sys.executable, "-m", "pip", "download", "-q", "--no-binary", ":all:", "--no-deps",
             f"{suite.name}=={suite.version}", "-d", str(CACHE)])  # fmt: skip
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != suite.checksum:
        sys.exit(f"{archive} has the SHA-256 {found}, expected {suite.checksum}; delete it, "
                 f"and run this again")  # fmt: skip
    folder = CACHE / suite.folder
    if not folder.exists():
        with tarfile.open(archive) as file:
            file.extractall(CACHE, filter="data")
    return folder


def environment() -> Path:
    """Return the Python of an environment with this parwork, and with what the suites need."""
    folder, python = CACHE / "environment", CACHE / "environment" / "bin" / "python"
    stamp, wanted = folder / "wanted.txt", "\n".join(WANTED)
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        venv.create(folder, with_pip=True, clear=True)
        run([str(python), "-m", "pip", "install", "-q", *WANTED, str(ROOT)])
        stamp.write_text(wanted, encoding="utf-8")
    else:
        again = ["--force-reinstall", "--no-deps", str(ROOT)]
        run([str(python), "-m", "pip", "install", "-q", *again])
    return python


def run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
