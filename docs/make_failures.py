"""Writes failures.md: what the failures of the tests in the folder `failures` look like.

`python docs/make_failures.py [FILE]` writes the page in the folder of this script, or FILE.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import fill

HERE = Path(__file__).parent
PROJECT = HERE / "failures"

#: Seconds for all tests of the project.
DEADLINE = 50.0
NARROW, WIDE = 80, 120

#: The failure of a case, and its line in the short summary.
FAILURE = re.compile(r"(^_+ (test_\w+)\S* _+\n.*?)(?=^_+ test_|^==)", re.MULTILINE | re.DOTALL)
SUMMARY = re.compile(r"^(FAILED (test_\w+\.py)::(test_\w+).*\n)", re.MULTILINE)

#: Settings that would change what pytest and parwork do.
SETTING = re.compile("PYTEST_|PARWORK_|COLUMNS$|CI$|BUILD_NUMBER$")

#: What is not the same in every run, or with every Python, and what the page has instead.
MASKS = {
    r"on worker \d+": "on worker 1",
    r"\d/2 workers used, peak overlap \d": "2/2 workers used, peak overlap 2",
    r"^ +[~^]+\n": "",
}

#: The folder that the page names, whatever it was.
SHOWN_FOLDER = "/home/you/project"

HEAD = f"""\
# Typical failures

Each test below gives one result serially and another in parallel. It is followed by the output of
pytest, in a terminal of {NARROW} columns and in one of {WIDE}. `pytest docs/failures` runs all of
them.

The first line of a message names the first difference; the short summary shows it as well. Then
follow the differences, how the values were compared, what is known of the other cases so far, how
the workers overlapped, and two commands: `again` repeats the workload in the same configuration,
`serially` runs the single case in pytest's process. A further case that differs in the same place
as an earlier one takes three lines. `-v` shows all recorded mismatches, up to a hundred for each
case, and the JSON report has them with their numbers.

[make_failures.py](make_failures.py) generates this page. The number of a worker and the overlap
depend on chance, so the page shows the same ones everywhere. It leaves out the marks below lines of
tracebacks.
"""

#: The tests in the order of the page: a title, and what is behind the failure, with the remedy.
FAILURES: Mapping[str, tuple[str, str]] = {
    "random": (
        "Random numbers from a global generator",
        "Every forked worker starts with the state that the generator had in the parent, so all"
        " cases draw the same numbers; serially, each draws the next ones. Create a generator "
        "from a seed of the case: `random.Random(n)`, `numpy.random.default_rng(n)`.",
    ),
    "sum": (
        "A sum in another order",
        "Both results are right, but rounded in different places. Fix the order, use "
        "`math.fsum`, or say how close is close enough: `compare=ulp(4)`. On threads the result"
        " is the serial one, as the table of values shows.",
    ),
    "workspace": (
        "Elements of an array",
        "The second case finds what the first one left in an array of the module, unless each "
        "case runs in a process of its own. Create the array in the function, or clear it "
        "first.",
    ),
    "registry": (
        "A missing key",
        "A fixture registers something in pytest's process. The value of the fixture is sent to"
        " the workers, but its side effects are not; a spawned worker has only what importing "
        "the module does. Register on import, or return the registry from the fixture and use "
        "that.",
    ),
    "offset": (
        "Another type",
        "The sum of an empty list is the integer 0. It equals 0.0 but is not a float, and later"
        " results may depend on that. Start the sum with a float.",
    ),
    "rotation": (
        "The order of results",
        "The same items in another order are one mismatch. If the order means nothing, return a"
        " sorted list or a set.",
    ),
    "settings": (
        "An exception in the worker only",
        "The traceback is that of the worker. Here the module sets a thread-local value on "
        "import, so other threads do not have it.",
    ),
    "history": (
        "NaN on one side only",
        "NaN equals NaN, so results that contain NaN can be compared; here one side has a "
        "number. The mean of the earlier cases depends on which process ran them.",
    ),
    "zero": (
        "The sign of zero",
        "0.0 and -0.0 are equal for `==`, but 1 / x, `atan2` and `copysign` distinguish them, "
        "and so does `exact()`. `ulp(0)` and `close(rtol=0)` do not.",
    ),
    "job": (
        "The state of an object",
        "Instances are compared by their fields. The number counts how many jobs were created "
        "in this process, which is not a property of the job.",
    ),
    "lazy": (
        "A value that cannot be compared",
        "A generator has no value before it is consumed, and nothing passes without a "
        "comparison. Return a list of what it yields.",
    ),
}


def main() -> None:
    """Write the page."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "failures.md"
    target.write_text("\n".join(page()), encoding="utf-8")


def page() -> Iterator[str]:
    """Yield the parts of the page."""
    with ThreadPoolExecutor() as pool:
        narrow, wide = pool.map(messages, (NARROW, WIDE))
    yield HEAD
    for number, (name, (title, explanation)) in enumerate(FAILURES.items(), start=1):
        file = PROJECT / f"test_{name}.py"
        yield f"## {number}. {title}\n"
        yield f"{fill(explanation, 100)}\n"
        yield fenced("python", f"# {file.name}\n{file.read_text(encoding='utf-8')}")
        yield fenced("text", narrow[file.name])
        yield fenced("text", wide[file.name])


def fenced(language: str, text: str) -> str:
    """Return a block of code."""
    return f"```{language}\n{text.rstrip()}\n```\n"


def messages(columns: int) -> Mapping[str, str]:
    """Run the project at a width; return what pytest prints of the failures of each file."""
    output = session(columns)
    summaries: dict[str, list[str]] = {}
    failures: dict[str, list[str]] = {}
    for summary, file, name in SUMMARY.findall(output):
        summaries.setdefault(file, []).append(summary)
        failures[file] = [block for block, test in FAILURE.findall(output) if test == name]
    line = f"{' short test summary info ':=^{columns}}\n"
    return {file: "".join([*failures[file], line, *summaries[file]]) for file in summaries}


def session(columns: int) -> str:
    """Return what pytest prints, with what differs from run to run, or Python to Python, masked."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(PROJECT, folder, dirs_exist_ok=True)
        environment = {name: os.environ[name] for name in os.environ if not SETTING.match(name)}
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-p", "parwork", "-p", "no:cacheprovider"),
                "--parwork-diagnose=off",  # what it finds in time depends on the machine
            ],
            cwd=folder,
            env={**environment, "COLUMNS": str(columns), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE,
        )
        if done.returncode != 1:
            raise SystemExit(
                f"pytest ended with {done.returncode}, not with failures\n{done.stdout}"
            )
        text = done.stdout.replace(os.path.realpath(folder), SHOWN_FOLDER)
        for pattern, shown in MASKS.items():
            text = re.sub(pattern, shown, text, flags=re.MULTILINE)
    return text


if __name__ == "__main__":
    main()
