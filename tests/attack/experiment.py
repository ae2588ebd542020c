"""One experiment: its command, and the observed session, in folders of its own."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as Xml
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from support.warm import ALONE, ONCE, Warm

from .processes import children, is_living
from .supervise import Command, Ending

__all__ = [
    "Case",
    "Experiment",
    "Judgement",
    "Seen",
    "clear_away",
    "environment_of_supervisors",
    "has_mounts",
    "run_experiment",
    "written_out",
]

#: Seconds that the supervisor gets beyond the limit of its command, for the start of a cluster.
GRACE = 90.0

#: Seconds that supervisors get to kill their descendants.
ENDING = 8.0

#: Characters of the output that are kept if there is a fault.
TAIL = 3000

#: What faulthandler writes before the stacks of a process.
STACKS = "Fatal Python error: Aborted"

#: The folder of the tests, from which supervisors are started.
TESTS = Path(__file__).parent.parent

#: What the name of a backend stands for that joins a cluster, and that of its address.
JOINED = "dask:joined"

#: Set once this process is about to exit: no experiment begins any more.
_is_ending = threading.Event()

Verdict = Literal["survived", "own doing", "fault"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict of an experiment, with reasons; `is_late` if only its time is at fault."""

    verdict: Verdict
    reasons: Sequence[str] = ()
    is_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case as reported by parwork and by pytest: `message` is empty if it passed."""

    verdict: str
    reason: str | None = None
    compared: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All observations of a finished session; `cases` by node id, None without a report."""

    ending: Ending
    cases: Mapping[str, Case] | None
    output: str

    @property
    def tail(self) -> str:
        """The end of the output; of the stacks of a session that hung, their innermost frames."""
        before, stacks, after = self.output.partition(STACKS)
        return before[-TAIL:] + stacks + after[:TAIL]


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One attack on one backend.

    `write` creates the project in a folder and returns additional settings of the command. `judge`
    takes the observations and the seconds that the backend takes without an attack. `words` is the
    command if it is not pytest with the plugin; `read` then reads its cases.
    """

    name: str
    group: str
    backend: str
    seed: int
    write: Callable[[Path, random.Random, float], Mapping[str, Any]]
    judge: Callable[[Seen, float], Judgement]
    before: str = ""
    words: Sequence[str] = ()
    read: Callable[[Path], Mapping[str, Case] | None] | None = None

    @property
    def id(self) -> str:
        """Name it: `exit-1@joblib`."""
        return f"{self.name}@{self.backend}"

    @property
    def random(self) -> random.Random:
        """A generator of its own, with the same seed in every run."""
        return random.Random(f"{self.seed} {self.id}")


def run_experiment(experiment: Experiment, baseline: float, parent: Warm | None = None) -> Seen:
    """Run an experiment in temporary folders, and return the observations.

    With a parent, its session is a fork of that; else each of its programs is started anew.
    """
    if _is_ending.is_set():  # lanes go on while their experiments are ended
        raise RuntimeError(f"{experiment.id}: the suite is being ended")
    prefix = f"attack-{os.getpid()}-"
    with suppress(OSError), tempfile.TemporaryDirectory(prefix=prefix) as folder:
        within = "/dev/shm" if has_mounts() else folder
        with tempfile.TemporaryDirectory(prefix=prefix, dir=within) as shared:
            return _run_in(experiment, Path(folder), shared, baseline, parent)
    raise RuntimeError(f"{experiment.id}: no folder for it")


def clear_away() -> None:
    """Kill the supervisors of this process and of parents, and remove its folders."""
    _is_ending.set()
    seen: set[int] = set()
    until = time.monotonic() + ENDING
    while time.monotonic() < until:
        ours = children(os.getpid())
        of_ours = (child for one in ours for child in children(one))
        for pid in {*ours, *of_ours} - seen:
            seen.add(pid)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)  # a supervisor kills its descendants
        if not any(map(is_living, seen)):
            break
        time.sleep(0.05)
    for parent in (tempfile.gettempdir(), "/dev/shm"):
        for path in Path(parent).glob(f"attack-{os.getpid()}-*"):
            shutil.rmtree(path, ignore_errors=True)


def _run_in(
    experiment: Experiment, folder: Path, shared: str, baseline: float, parent: Warm | None
) -> Seen:
    for name in ("project", "tmp", "home"):
        (folder / name).mkdir()
    settings = dict(experiment.write(folder / "project", experiment.random, baseline))
    words = experiment.words or _pytest(experiment.backend)
    command = Command(
        words=[*_mounting(folder, experiment.before), *words],
        folder=str(folder),
        shared=shared,
        environment=_environment(folder) | settings.pop("environment_too", {}),
        has_cluster=experiment.backend == JOINED,
        is_bound=has_mounts(),
        is_forked=parent is not None,
        limit=settings.get("limit", 30.0),
    )
    command = replace(command, **settings)
    ending = _supervised(command, parent)
    text = (folder / "output").read_bytes()[-10_000_000:].decode(errors="replace")
    read = experiment.read or _cases
    return Seen(ending=ending, cases=read(folder / "project"), output=text)


def _pytest(backend: str) -> Sequence[str]:
    name = "dask:{address}" if backend == JOINED else backend
    return [
        *(sys.executable, "-m", "pytest", "-p", "parwork", "-p", "no:cacheprovider"),
        "--parwork-diagnose=off",
        f"--parwork-backend={name}",
        *("--parwork-workers=2", "--parwork-report=report.json", "--junitxml=junit.xml"),
    ]


def _environment(folder: Path) -> dict[str, str]:
    """Return the environment of a session: a shell's, with folders of its own."""
    return {
        **_of_python(),
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "COLUMNS": "120",
        ALONE: "1",
    }


def environment_of_supervisors() -> dict[str, str]:
    """Return the environment of this process, but for what Python and its libraries read once."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(ONCE)}
    return {**kept, **_of_python(), ALONE: "1"}


def _of_python() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}


def _mounting(folder: Path, before: str) -> Sequence[str]:
    """Return the command that starts a session after another command."""
    return ["sh", "-c", f'{before.format(folder=folder)} exec "$@"', "sh"] if before else []


@cache
def has_mounts() -> bool:
    """Return whether this process may create mounts that no other process sees."""
    words = ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/dev/shm"]
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _supervised(command: Command, parent: Warm | None) -> Ending:
    file = Path(command.folder) / "command.json"
    file.write_text(json.dumps(asdict(command)), encoding="utf-8")
    words = ["attack.supervise", str(file)]
    limit = command.limit + GRACE
    if parent is None:
        process = subprocess.run(
            [sys.executable, "-m", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
            cwd=TESTS,
        )
        code, out, err = process.returncode, process.stdout, process.stderr
    else:
        forked = parent.fork("-m", words, str(TESTS), environment_of_supervisors())
        try:
            out, err = forked.communicate(limit)
        except subprocess.TimeoutExpired:
            os.kill(forked.pid, signal.SIGKILL)
            raise
        code = forked.poll() or 0
    if code:
        raise RuntimeError(f"the supervisor ended with {code}: {err}")
    return Ending(**json.loads(out.splitlines()[-1]))


def _cases(project: Path) -> Mapping[str, Case] | None:
    """Return the cases from the report and the JUnit file, None if one is incomplete."""
    try:
        runs = json.loads((project / "report.json").read_text(encoding="utf-8"))["runs"]
        messages = _messages(project / "junit.xml")
    except (OSError, ValueError, KeyError, Xml.ParseError):
        return None
    return {
        case["id"]: Case(
            verdict=case["verdict"],
            reason=(case["lost"] or {}).get("reason"),
            compared=case["compared"],
            message=messages.get(case["id"], "not in the JUnit file"),
        )
        for run in runs
        for case in run["cases"]
    }


def _messages(path: Path) -> dict[str, str]:
    found = {}
    for case in Xml.parse(path).iter("testcase"):
        told = [case.find(kind) for kind in ("failure", "error", "skipped")]
        message = "\n".join(_text_of(one) for one in told if one is not None)
        found[f"{case.get('classname')}.py::{case.get('name')}"] = message
    return written_out(found)


def _text_of(failure: Xml.Element) -> str:
    """Return the text of a failure: where both runs raised, only its title says what differs."""
    text, title = failure.text or "", failure.get("message") or ""
    return text if title in text else f"{title}\n{text}"


def written_out(messages: Mapping[str, str]) -> dict[str, str]:
    """Return each message by node id, in whole where one says "LOST: as in test_it[0]"."""
    names = {node_id.partition("::")[2]: node_id for node_id in messages}
    found = {}
    for node_id, message in messages.items():
        name = message.partition(": as in ")[2].strip()
        found[node_id] = messages[names[name]] if name in names else message
    return found
