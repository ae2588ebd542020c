"""Writes plugins.md: how tests with fixtures and marks of popular plugins end under --parwork-all.

`python docs/make_plugins.py [-k PATTERN] [FILE]` runs each file of the folder `plugins` without
parwork and on each backend, and writes the page in the folder of this script, or FILE;
`tox -e plugins` has the packages. With `-k` it runs the files whose names have the pattern, and
keeps the other rows.

The docstring of a file is its title, then settings, one a line: `packages` (those whose plugins are
loaded), `options`, `ini` (a line of the ini file), `files` (that lie next to the test, with their
content behind a `=`), `store` (an option with which the file is run first, to store results) and
`note` (for the last column).
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

HERE = Path(__file__).parent
PROJECT = HERE / "plugins"
PAGE = HERE / "plugins.md"

BACKENDS = ("processes", "joblib", "threads", "isolated:fork")

#: Seconds for one run of one file.
DEADLINE = 300.0

#: Settings that would change what pytest, its plugins and parwork do.
SETTING = re.compile("PYTEST_|PARWORK_|COLUMNS$|CI$|GITHUB_|DJANGO_|FLASK_")

#: How a cell begins that shows a mistake.
WRONG = "different"

#: What the last line of pytest counts.
COUNT = re.compile(r"(\d+) (passed|failed|skipped|errors?|xfailed|xpassed|rerun)\b")

HEAD = """\
# Fixtures of popular plugins

Each row is a file of the folder [plugins](plugins): some tests of two cases, some of which fail. It
was run without parwork, and with `--parwork-all` on each backend. The cells mean:

- "same": the same outcomes as without parwork, and both runs agree.
- "plain": the same outcomes, but pytest ran the tests as ever, and the summary counts them with
  their reason. A function that has the marker itself is an error or NOT SENT in place of it.

[make_plugins.py](make_plugins.py) generates this page from those runs, with the versions that
`tox.ini` pins for `tox -e plugins`. pytest's own fixtures on all backends are on
[a page of their own](compatibility.md).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A file of the project: its name, its title, and its settings."""

    name: str
    title: str
    settings: Mapping[str, str]

    def words(self, setting: str) -> Sequence[str]:
        """Return a setting of several words."""
        return self.settings.get(setting, "").split()

    def missing(self) -> Sequence[str]:
        """Return the packages that are not installed."""
        return [name for name in self.words("packages") if not _is_installed(name)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run of a file ended: the outcomes of its tests, and pytest's counts.

    `verdicts` are those of the cases, `plain` the reasons of the tests that were plain.
    """

    outcomes: Mapping[str, str]
    counts: frozenset[tuple[str, str]]
    verdicts: Mapping[str, str]
    plain: Mapping[str, str]
    text: str


def rows() -> Sequence[Row]:
    """Return the rows in the order of the page: that of their titles."""
    return sorted(map(_read, PROJECT.glob("test_*.py")), key=lambda row: row.title.lower())


def _read(file: Path) -> Row:
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or file.stem
    title, _, rest = text.partition("\n")
    settings = dict(line.split(": ", 1) for line in rest.strip().splitlines())
    return Row(name=file.stem, title=title.rstrip("."), settings=settings)


def look(row: Row) -> tuple[Mapping[str, str], Sequence[str]]:
    """Run a file everywhere; return the cell of each backend, and the reasons of plain tests."""
    cells, reasons = {}, dict[str, None]()
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder, "stored")
        _prepare(row, stored)
        expected = run(row, stored, None)
        if not expected.outcomes:
            print(f"{row.name} without parwork:\n{expected.text}", file=sys.stderr)
            return dict.fromkeys(BACKENDS, WRONG), []
        for backend in BACKENDS:
            ended = run(row, stored, backend)
            cells[backend] = cell(expected, ended)
            if cells[backend].startswith(WRONG):
                print(f"{row.name} on {backend}:\n{expected.text}\n{ended.text}", file=sys.stderr)
            reasons |= dict.fromkeys(ended.plain.values())
    return cells, list(reasons)


def cell(expected: Ended, ended: Ended) -> str:
    """Return what a run on a backend shows, compared with the one without parwork."""
    if (expected.outcomes, expected.counts) != (ended.outcomes, ended.counts):
        return f"{WRONG}: other outcomes"
    wrong = {v for t, v in ended.verdicts.items() if v != "EQUAL" and not _may_be(v, t, expected)}
    if wrong:
        return f"{WRONG}: {', '.join(sorted(wrong))}"
    if not ended.plain:
        return "same"
    if not ended.verdicts:
        return "plain"
    names = dict.fromkeys(f"`{test.rpartition('::')[2].partition('[')[0]}`" for test in ended.plain)
    return f"same; plain: {', '.join(names)}"


def _may_be(verdict: str, test: str, expected: Ended) -> bool:
    """Return whether a verdict is right for a test that was skipped, or ran out of time."""
    return (verdict, expected.outcomes.get(test)) in (
        ("NOT_VERIFIED", "skipped"),  # it is not sent
        ("LOST", "failure"),
    )


def run(row: Row, stored: Path, backend: str | None, *more: str, storing: bool = False) -> Ended:
    """Run a file in a copy of the folder, on a backend or without parwork."""
    own = {key: value for key, value in os.environ.items() if not SETTING.match(key)}
    own |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    own |= {"STORING": "1"} if storing else {}
    with tempfile.TemporaryDirectory() as folder:
        place = stored if storing else Path(shutil.copytree(stored, Path(folder, "project")))
        junit, report = Path(folder, "junit.xml"), Path(folder, "report.json")
        parwork = ["-p", "parwork", "--parwork-all", f"--parwork-backend={backend}"]
        parwork += ["--parwork-workers=2", f"--parwork-report={report}", "-v"]
        parwork += ["--parwork-diagnose=off"]
        program = subprocess.Popen(
            [
                *(sys.executable, "-m", "pytest", "-c", "pytest.ini", f"--junitxml={junit}"),
                *("-o", "junit_family=xunit1", "-W", "ignore"),
                *(word for name in _plugins(row) for word in ("-p", name)),
                *([] if backend is None else parwork),
                *row.words("options"),
                *more,
                f"{row.name}.py",
            ],
            cwd=place,
            env=own | {"WORK": str(place)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            text = program.communicate(timeout=DEADLINE)[0]
        except subprocess.TimeoutExpired:
            program.terminate()  # so that it ends its workers
            text = f"no end within {DEADLINE:g} s\n{program.communicate()[0]}"
        seen = json.loads(report.read_text()) if report.exists() else {"runs": [], "plain": []}
        return Ended(
            outcomes=dict(_outcomes(junit)) if junit.exists() else {},
            counts=frozenset(COUNT.findall(text.strip().rpartition("\n")[2])),
            verdicts={each["id"]: each["verdict"] for run in seen["runs"] for each in run["cases"]},
            plain={each["id"]: each["reason"] for each in seen["plain"]},
            text=text,
        )


def _prepare(row: Row, place: Path) -> None:
    """Make the folder of a file, with what lies next to it and what it has stored."""
    place.mkdir()
    for file in PROJECT.iterdir():
        if file.is_file() and (file.stem == row.name or not file.name.startswith("test_")):
            shutil.copy(file, place)
    (place / "pytest.ini").write_text(f"[pytest]\n{row.settings.get('ini', '')}\n")
    for word in row.words("files"):
        name, _, content = word.partition("=")
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(f"{content or 'x'}\n")
    if "store" in row.settings:
        run(row, place, None, *row.words("store"), storing=True)


def _plugins(row: Row) -> Iterator[str]:
    """Yield the names by which pytest loads the plugins of a row's packages."""
    for name in row.words("packages"):
        for entry in metadata.distribution(name).entry_points:
            if entry.group == "pytest11":
                yield entry.name


def _is_installed(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _outcomes(junit: Path) -> Iterator[tuple[str, str]]:
    for case in ElementTree.parse(junit).iter("testcase"):
        classes = case.attrib["classname"].split(".")[1:]
        id = "::".join([case.attrib.get("file", ""), *classes, case.attrib["name"]])
        tags = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        yield id, " ".join(tags) or "passed"


def line(row: Row, cells: Mapping[str, str], reasons: Sequence[str]) -> str:
    """Return the line of the page for a row."""
    notes = [*reasons, *filter(None, [row.settings.get("note")])]
    found = [f"[{row.title}](plugins/{row.name}.py)", *(cells[name] for name in BACKENDS)]
    return f"| {' | '.join([*found, '; '.join(notes)])} |"


def lines_of(page: Path) -> Mapping[str, str]:
    """Return the lines of a page by the names of their files."""
    found = {}
    for text in page.read_text(encoding="utf-8").splitlines() if page.exists() else ():
        if match := re.match(r"\| \[.*?\]\(plugins/(\w+)\.py\) \|", text):
            found[match[1]] = text
    return found


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", default="", help="run only files whose names have this pattern")
    parser.add_argument("file", nargs="?", type=Path, default=PAGE)
    given = parser.parse_args()
    found = dict(lines_of(given.file)) if given.k else {}
    chosen = [row for row in rows() if re.search(given.k, row.name)]
    if missing := sorted({name for row in chosen for name in row.missing()}):
        raise SystemExit(f"not installed: {', '.join(missing)}; use `tox -e plugins`")
    with ThreadPoolExecutor(2) as pool:  # they wait for programs
        for row, seen in zip(chosen, pool.map(look, chosen), strict=True):
            found[row.name] = line(row, *seen)
            print(found[row.name], flush=True)
    head = [
        f"| fixture or mark | {' | '.join(f'`{name}`' for name in BACKENDS)} | plain, and why |",
        f"|---|{'---|' * (len(BACKENDS) + 1)}",
    ]
    lines = [found[row.name] for row in rows() if row.name in found]
    given.file.write_text("\n".join([HEAD, *head, *lines, ""]), encoding="utf-8")
    if any(f"| {WRONG}" in text for text in lines):
        raise SystemExit("some tests end otherwise than without parwork, see above")


if __name__ == "__main__":
    main()
