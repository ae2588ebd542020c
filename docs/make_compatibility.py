"""Writes compatibility.md: which of pytest's features work on which backend, as seen in a run.

`python docs/make_compatibility.py [FILE]` runs the folder `compatibility` once for each backend and
import mode, and writes the page in the folder of this script, or FILE.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = HERE / "compatibility"

BACKENDS = (
    "serial",
    "threads",
    "processes:fork",
    "processes:spawn",
    "multiprocessing",
    "isolated",
    "isolated:fork",
    "joblib",
    "joblib:threading",
    "dask",
)
IMPORT_MODES = ("prepend", "append", "importlib")

#: What works on threads only by chance, because it changes what they share.
RACING = ("test_seeding", "test_warns")

#: Seconds for one run of all features.
DEADLINE = 120.0

#: Settings that would change what pytest and parwork do.
SETTING = re.compile("PYTEST_|PARWORK_|COLUMNS$|CI$")

#: What became of a file whose cases were not fanned out.
PLAIN = "plain"

#: An error for an unsupported fixture: the file and the test, then why.
UNSUPPORTED = re.compile(r"(test_\w+)\.py::\S+: (.*)")

HEAD = """\
# What works where

Each row is a file of the folder [compatibility](compatibility). Its cases run on each backend and
under each of pytest's import modes. The cells mean:

- "yes": all cases have the same results as serially, or fail and skip in the same way.
- "unsupported": the cases are not fanned out. Threads share the state that the fixture would
  change, or a worker does not have what the fixture needs. If the mark is on the function itself,
  an error names the fixture and the remedy before anything starts; if the mark is around it, as in
  these files, the cases run plainly and are counted, with the reason. On `isolated:fork` pytest
  itself runs the cases.
- "shared": it was not run. Threads share the global generators and the warning filters, so it works
  there only by chance.

[make_compatibility.py](make_compatibility.py) generates this page from those runs. Fixtures of
popular plugins have [a page of their own](plugins.md). The import modes
{modes} gave the same results everywhere{but}.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A file of the project, and what it is about."""

    name: str
    title: str


def features() -> Sequence[Feature]:
    """Return the features in the order of the page: that of their files."""
    found = []
    for file in sorted(PROJECT.glob("test_*.py")):
        title = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or file.stem
        found.append(Feature(name=file.stem, title=title.rstrip(".")))
    return found


def look(backend: str, mode: str) -> dict[str, str]:
    """Return what became of each feature on a backend under an import mode."""
    found: dict[str, str] = {}
    left = [feature.name for feature in features()]
    if backend in ("threads", "joblib:threading"):
        left = [name for name in left if name not in RACING]
        found = dict.fromkeys(RACING, "shared")
    while left:
        output, outcomes = run(backend, mode, left)
        error = UNSUPPORTED.search(output) if not outcomes else None
        if error is not None and error[1] in left:  # nothing was run, so the others are next
            found[error[1]] = "unsupported"
            left.remove(error[1])
            continue
        for name in left:
            seen = outcomes.get(name, {"nothing ran"})
            is_right = seen <= {"passed", "skipped", "xfailed"}
            found[name] = "unsupported" if seen == {PLAIN} else "yes" if is_right else "no"
        break
    return found


def run(backend: str, mode: str, names: Sequence[str]) -> tuple[str, Mapping[str, set[str]]]:
    """Run the features' files; return what pytest printed, and the outcomes by file."""
    environment = {key: value for key, value in os.environ.items() if not SETTING.match(key)}
    with tempfile.TemporaryDirectory() as folder:
        junit = Path(folder, "junit.xml")
        report = Path(folder, "report.json")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
                "--parwork-diagnose=off",
                *(f"--import-mode={mode}", f"--parwork-backend={backend}"),
                *(f"--rootdir={PROJECT}", "-c", os.devnull, f"--junitxml={junit}"),
                *("-o", "junit_family=xunit1", f"--parwork-report={report}"),
                *(str(PROJECT / f"{name}.py") for name in names),
            ],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        outcomes = dict(read(junit)) if done.returncode in (0, 1) else {}
        if outcomes:
            found = json.loads(report.read_text(encoding="utf-8"))
            check(found, backend)
            for case in found["plain"]:
                outcomes[Path(case["id"].partition("::")[0]).stem] = {PLAIN}
    return done.stdout + done.stderr, outcomes


def read(junit: Path) -> Iterator[tuple[str, set[str]]]:
    """Yield the outcomes of each file."""
    from xml.etree import ElementTree

    found: dict[str, set[str]] = {}
    for case in ElementTree.parse(junit).iter("testcase"):
        name = Path(case.attrib["file"]).stem
        tag = next((child.tag for child in case if child.tag != "properties"), "passed")
        words = {"failure": "failed", "error": "error", "skipped": "skipped"}
        found.setdefault(name, set()).add(words.get(tag, "passed"))
    yield from found.items()


def check(report: Mapping[str, list[dict[str, object]]], backend: str) -> None:
    """Check that the cases really ran on the backend and were compared."""
    for run in report["runs"]:
        configuration = run["configuration"]
        assert isinstance(configuration, dict)
        assert configuration["backend"] == backend, run["id"]
        assert run["verdict"] != "NOT_VERIFIED", run["id"]


def page(backends: Sequence[str] = BACKENDS, modes: Sequence[str] = IMPORT_MODES) -> str:
    """Return the page."""
    seen = {(b, m): look(b, m) for b in backends for m in modes}
    lines = [
        f"| | {' | '.join(f'`{backend}`' for backend in backends)} |",
        f"|---|{'---|' * len(backends)}",
    ]
    exceptions = []
    for feature in features():
        cells = []
        for backend in backends:
            words = {mode: seen[backend, mode][feature.name] for mode in modes}
            cells.append(words[modes[0]])
            exceptions += [
                f"{feature.name} on {backend} under {mode}: {word}"
                for mode, word in words.items()
                if word != words[modes[0]]
            ]
        lines.append(
            f"| [{feature.title}](compatibility/{feature.name}.py) | {' | '.join(cells)} |"
        )
    but = f", but for: {'; '.join(exceptions)}" if exceptions else ""
    head = HEAD.format(modes=", ".join(f"`{mode}`" for mode in modes), but=but)
    return "\n".join([head, *lines, ""])


def main() -> None:
    """Write the page."""
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "compatibility.md"
    file.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
