"""A user's project in an empty folder, and the sessions of pytest in it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from support.warm import Forked, Warm

import pytest_parwork
from pytest_parwork.transport.modules import is_rewritten

__all__ = ["Apart", "Recorder", "Scratch", "Session", "noted", "returning", "slow", "until"]

#: Seconds for a session in a process of its own; less than the deadline of a test.
DEADLINE = 50.0

#: Differences are diagnosed only where a test asks for it, because that takes seconds.
#: No plugin but parwork is loaded unless a test requests it. pytest's faulthandler plugin would
#: cancel the deadline of the test around an inner session.
OPTIONS = "-p parwork -p no:faulthandler -W error --parwork-diagnose=off"

#: The process that runs pytest, for `note`.
PID = "SCRATCH_PID"

#: What pytest sets while a test runs.
CURRENT_TEST = "PYTEST_CURRENT_TEST"

#: A module of every project: its cases record that they ran, and where.
NOTING = """
import os
import threading
from pathlib import Path

os.environ.setdefault("SCRATCH_PID", str(os.getpid()))

def is_here():
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and os.environ["SCRATCH_PID"] == str(os.getpid())

def note(text):
    line = f"{text} {'here' if is_here() else 'there'}\\n"
    with open(Path(__file__).with_name("noted.txt"), "a") as file:
        file.write(line)
"""


class Recorder:
    """A plugin that keeps the outcome of every item."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}
        self.reports: list[pytest.TestReport] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.reports.append(report)
        outcome: str = report.outcome
        if hasattr(report, "wasxfail"):
            outcome = {"skipped": "xfailed", "passed": "xpassed"}.get(outcome, outcome)
        if report.when != "call" and outcome == "failed":
            outcome = "error"
        if report.when == "call" or outcome != "passed":
            self.outcomes[report.nodeid] = outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A finished pytest session.

    `cases` are the outcomes by node id, known of sessions in this process only; `report` is the
    JSON report, empty unless asked for.
    """

    code: int
    out: str
    err: str
    recorder: Recorder = field(default_factory=Recorder)
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def cases(self) -> Mapping[str, str]:
        return self.recorder.outcomes

    @property
    def counts(self) -> Mapping[str, int]:
        """What the last line of the terminal counts, `{"passed": 3}`."""
        try:
            return pytest.RunResult.parse_summary_nouns(self.out.splitlines())
        except ValueError:
            return {}

    @property
    def summary(self) -> list[str]:
        """The lines of the short summary."""
        return [line for line in self.lines if line.startswith(("FAILED ", "ERROR "))]

    @property
    def section(self) -> list[str]:
        """The lines of parwork's section, its title first; empty where there is none."""
        lines = self.out.splitlines()
        starts = [
            n for n, line in enumerate(lines) if line.startswith("=") and " parwork: " in line
        ]
        if not starts:
            return []
        assert len(starts) == 1, self.out
        first = starts[0]
        ends = [n for n in range(first + 1, len(lines)) if lines[n].startswith("=")]
        return lines[first : ends[0] if ends else None]

    @property
    def title(self) -> str:
        """The title of parwork's section, without the line around it."""
        return self.section[0].strip("= ") if self.section else ""

    def run(self, workload: str, configuration: str | None = None) -> Mapping[str, Any]:
        """Return the one run of a workload in the JSON report."""
        found = [
            run
            for run in self.report["runs"]
            if run["id"] == workload and configuration in (None, run["configuration"]["id"])
        ]
        assert len(found) == 1, [(r["id"], r["configuration"]["id"]) for r in self.report["runs"]]
        assert isinstance(found[0], dict)
        return found[0]

    def verdicts(self, workload: str, configuration: str | None = None) -> dict[str, str]:
        """Return the verdict of each case, by the part of its id in brackets."""
        return {
            case["id"].partition("[")[2].removesuffix("]"): case["verdict"]
            for case in self.run(workload, configuration)["cases"]
        }


class Apart:
    """A session under way in a process of its own, the first of its process group and session."""

    def __init__(
        self,
        process: subprocess.Popen[str] | Forked,
        path: Path,
        report: Callable[[], Mapping[str, Any]],
    ) -> None:
        self.pid = process.pid
        self._since = time.time() - 1.0  # files have coarser times
        self._process = process
        self._path = path
        self._report = report

    def wait_for(self, *notes: str) -> None:
        """Wait until all these have been noted, `text here` or `text there`."""

        def is_noted() -> bool:
            return self._process.poll() is not None or set(notes) <= set(noted(self._path))

        if not until(is_noted) or self._process.poll() is not None:
            self.kill()
            out, err = self._process.communicate()
            pytest.fail(f"not noted: {notes}, only {noted(self._path)}\n{out}\n{err}")

    def send(self, signum: int) -> None:
        """Send a signal to the process of pytest only."""
        os.kill(self.pid, signum)

    def kill(self) -> None:
        """End all that is still there of the session."""
        for pid in (*self.members(), *self.watching()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        """End the session unless a test has waited for it."""
        if self._process.returncode is None:
            self.kill()
            self._process.communicate()

    def members(self) -> list[int]:
        """Return all living processes of the session, with those that pytest has started."""
        return [pid for pid, stat in processes() if stat[0] != "Z" and int(stat[3]) == self.pid]

    def watching(self) -> list[int]:
        """Return the processes that wait for the exit of pytest, to end the processes it leaves."""
        return [pid for pid, _ in processes() if is_watching(pid, self.pid)]

    def token(self) -> str:
        """Return what the marks of the session have in them, as its watching process knows it."""
        words = [Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in self.watching()]
        return next(word.decode() for word in words[0] if re.fullmatch(rb"[0-9a-f]{16}", word))

    def elsewhere(self) -> list[int]:
        """Return living processes that tasks have taken out of the session, but in the project."""
        return [
            pid
            for pid, stat in processes()
            if stat[0] != "Z" and int(stat[3]) != self.pid and is_in(pid, self._path)
            if pid != os.getpid()
        ]

    def shared(self) -> list[str]:
        """Return the files in shared memory that libraries have named after pytest's process.

        An earlier one may have had its id, and been killed.
        """
        found = []
        for file in os.scandir("/dev/shm"):
            words = file.name.replace("_", "-").split("-")
            with suppress(OSError):  # it may be removed meanwhile
                if str(self.pid) in words and file.stat().st_mtime >= self._since:
                    found.append("-".join(words))
        return found

    def finish(self, *, deadline: float = DEADLINE) -> Session:
        """Wait for the end of the session, and return its results."""
        try:
            out, err = self._process.communicate(timeout=deadline)
        except subprocess.TimeoutExpired:
            self.kill()
            out, err = self._process.communicate()
            pytest.fail(f"the session did not end within {deadline:g} s\n{out}\n{err}")
        print(out, err, sep="\n")
        assert self._process.returncode is not None
        return Session(code=self._process.returncode, out=out, err=err, report=self._report())


def slow(backend: str) -> Any:
    """Name a backend as a parameter of tests that only the sweep runs: others represent it."""
    return pytest.param(backend, marks=pytest.mark.sweep)


def returning() -> tuple[str, ...]:
    """Return the options by which pytest does not warn of values that plain tests return.

    pytest 8.4.0 fails such tests; the test that asks is skipped there.
    """
    if not hasattr(pytest, "PytestReturnNotNoneWarning"):
        pytest.skip("this pytest fails a plain test that returns a value")
    return ("-W", "ignore::pytest.PytestReturnNotNoneWarning")


def until(is_so: Callable[[], bool], *, deadline: float = DEADLINE) -> bool:
    """Wait until something is so; False if it is not in time."""
    end = time.monotonic() + deadline
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def without_test() -> dict[str, str]:
    """Return the environment as from a shell, where no test of another session runs."""
    return {name: value for name, value in os.environ.items() if name != CURRENT_TEST}


@contextmanager
def without_rewritten() -> Iterator[None]:
    """Hide what the session around has rewritten: its tests, and plugins such as hypothesis.

    A session takes it for the project, and would send the code of hundreds of modules to workers.
    """
    found = {
        name: module
        for name, module in sys.modules.items()
        if is_rewritten(module) and name.partition(".")[0] != pytest_parwork.__name__
    }
    for name in found:
        del sys.modules[name]
    try:
        yield
    finally:
        sys.modules.update(found)


def noted(path: Path) -> list[str]:
    """Return the lines that `note` has written in a project so far."""
    file = path / "noted.txt"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def processes() -> Iterator[tuple[int, list[str]]]:
    """Yield the id of each process with the fields behind its name: proc(5)."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError):  # it may end while it is looked at
                stat = Path(f"/proc/{name}/stat").read_text(encoding="utf-8", errors="replace")
                yield int(name), stat.rpartition(")")[2].split()


def is_in(pid: int, folder: Path) -> bool:
    """Return whether a process works in a folder."""
    with suppress(OSError):
        return os.readlink(f"/proc/{pid}/cwd") == str(folder)
    return False


def is_watching(pid: int, parent: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return False
    return any("pytest_parwork.machine.leavings" in word for word in words) and str(parent) in words


class Scratch:
    """Write files and run pytest on them, in this process or in one of its own."""

    def __init__(
        self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, warm: Warm
    ) -> None:
        self._pytester = pytester
        self._warm = warm
        self._begun: list[Apart] = []
        self.path = pytester.path
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        monkeypatch.setenv("PYTEST_ADDOPTS", OPTIONS)
        monkeypatch.setenv("COLUMNS", "80")
        # A file that a test writes twice within a second would be taken for the first one.
        monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        monkeypatch.setenv(PID, "")  # so that it is taken away afterwards
        for name in ("CI", "BUILD_NUMBER", "PARWORK_MAX_WORKERS"):
            monkeypatch.delenv(name, raising=False)
        for name in ("WORKER", "WORKER_COUNT", "TESTRUNUID"):
            monkeypatch.delenv(f"PYTEST_XDIST_{name}", raising=False)
        self.write("noting.py", NOTING)

    def write(self, path: str, text: str = "") -> Path:
        """Write a file below the project's folder."""
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
        return file

    def cases(self, text: str, path: str = "test_it.py") -> None:
        """Write a test module that starts with the usual imports."""
        head = "import os, random, time\nimport pytest\nfrom noting import is_here, note\n"
        self.write(path, head + dedent(text))

    def run(self, *options: str, report: bool = False, plugins: Sequence[object] = ()) -> Session:
        """Run pytest in this process."""
        # The session sets it, so that workers get it that started before.
        os.environ.pop(PID, None)
        recorder = Recorder()
        around = os.environ[CURRENT_TEST]
        with without_rewritten():
            result = self._pytester.runpytest_inprocess(
                *options, *self._reporting(report), plugins=[recorder, *plugins]
            )
        os.environ[CURRENT_TEST] = around  # which that session has taken away
        return Session(
            code=int(result.ret),
            out="\n".join(result.outlines),
            err="\n".join(result.errlines),
            recorder=recorder,
            report=self._report(report),
        )

    def run_apart(
        self,
        *options: str,
        report: bool = False,
        folder: str = ".",
        deadline: float = DEADLINE,
        is_cold: bool = False,
    ) -> Session:
        """Run pytest in a process of its own, as from a shell in `folder`; its group ends with it.

        The script, because `python -m pytest` puts the folder on `sys.path`. A cold one has nothing
        imported when it begins.
        """
        apart = self.start(*options, report=report, folder=folder, is_cold=is_cold)
        return apart.finish(deadline=deadline)

    def start(
        self,
        *options: str,
        report: bool = False,
        folder: str = ".",
        command: Sequence[str] = (),
        is_cold: bool = False,
        **settings: Any,
    ) -> Apart:
        """Start a session as `run_apart` does, and return while it runs.

        `command` is put before pytest's, `settings` go to `subprocess.Popen`.
        """
        os.environ.pop(PID, None)
        script = os.path.join(sysconfig.get_path("scripts"), "pytest")
        arguments = [*options, *self._reporting(report)]
        cwd = self.path / folder
        environment = without_test()
        process: subprocess.Popen[str] | Forked
        if command or settings or is_cold or not self._warm.fits(environment):
            process = subprocess.Popen(
                [*command, script, *arguments],
                cwd=cwd,
                stdin=settings.pop("stdin", subprocess.DEVNULL),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
                env=environment,
                **settings,
            )
        else:
            process = self._warm.fork(script, arguments, str(cwd), environment)
        self._begun.append(Apart(process, self.path, lambda: self._report(report)))
        return self._begun[-1]

    def close(self) -> None:
        """End the sessions that a test which failed has left under way."""
        for apart in self._begun:
            apart.end()

    def notes(self) -> list[str]:
        """Return the lines of `note` so far, `text here` or `text there`, and delete them."""
        lines = noted(self.path)
        (self.path / "noted.txt").unlink(missing_ok=True)
        return lines

    def _reporting(self, is_asked: bool) -> Sequence[str]:
        return [f"--parwork-report={self.path / 'parwork.json'}"] if is_asked else []

    def _report(self, is_asked: bool) -> Mapping[str, Any]:
        if not is_asked:
            return {}
        data = json.loads((self.path / "parwork.json").read_text(encoding="utf-8"))
        assert isinstance(data, dict)
        return data
