"""The reports of the suite as files: what was measured where, and one line for each experiment."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path

from .table import Result

__all__ = ["Keeping", "Ran", "Report", "load", "ran_here", "save"]

SCHEMA = 2

#: Seconds of results that an interruption may cost, so that a long report is not written too often.
UNSAVED = 2.0

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a report was measured.

    `seed` is the number of the first round, `commit` that of the code, empty if it is unknown.
    `rounds` has, for each backend and peer, the number of experiments in a whole round of it.
    """

    python: str
    parwork: str
    commit: str
    seed: int
    cpus: int
    jobs: int
    rounds: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The results of one call of the suite."""

    ran: Ran
    results: Sequence[Result]


def ran_here(*, seed: int, jobs: int, rounds: Mapping[str, int]) -> Ran:
    """Return how a report is measured that is made now."""
    return Ran(
        python=platform.python_version(),
        parwork=version("pytest-parwork"),
        commit=_commit(),
        seed=seed,
        cpus=len(os.sched_getaffinity(0)),
        jobs=jobs,
        rounds=rounds,
    )


class Keeping:
    """The report of a call while it grows; experiments add to it from several threads.

    If it continues another call's, `results` are those of that one at first.
    """

    def __init__(self, ran: Ran, path: Path, *, continues: bool) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._saved = 0.0
        self._ran = ran
        self.results: list[Result] = []
        if continues and path.exists():
            old = load(path)
            self.results = _of_the_same(ran, old, path)
            self._ran = replace(ran, rounds={**old.ran.rounds, **ran.rounds})

    def add(self, result: Result) -> None:
        """Add a result."""
        with self._lock:
            self.results.append(result)
            if time.monotonic() - self._saved > UNSAVED:
                self._save()

    def save(self) -> None:
        """Write the report."""
        with self._lock:
            self._save()

    def _save(self) -> None:
        self.results.sort(key=lambda one: (one.seed, one.backend, one.group, one.name))
        save(Report(ran=self._ran, results=self.results), self._path)
        self._saved = time.monotonic()


def _of_the_same(ran: Ran, old: Report, path: Path) -> list[Result]:
    """Return the results of a report, if what it measured is here, too."""
    if ran.commit.endswith("-dirty") or not ran.commit:
        raise SystemExit("--resume needs a commit: nobody knows whether the same code was measured")
    then, now = (old.ran.commit, old.ran.python), (ran.commit, ran.python)
    if then != now:
        raise SystemExit(
            f"{path} cannot be continued: it is of commit {then[0]} and Python {then[1]}, here are "
            f"{now[0]} and {now[1]}; write another file"
        )
    return list(old.results)


def _commit() -> str:
    words = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(words, cwd=HERE, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def save(report: Report, path: Path) -> None:
    """Write a report; a reader sees the old file or the whole new one."""
    new = path.with_suffix(".new")
    new.write_text("\n".join(_lines(report)) + "\n", encoding="utf-8")
    new.replace(path)


def _lines(report: Report) -> Iterator[str]:
    ran = json.dumps({"schema": SCHEMA, **asdict(report.ran)})
    yield f'{ran[:-1]}, "results": ['
    last = len(report.results) - 1
    for at, result in enumerate(report.results):
        yield json.dumps(_without_defaults(result)) + ("," if at < last else "")
    yield "]}"


def _without_defaults(result: Result) -> dict[str, object]:
    """Return what a result has of its own: most fields of those that are survived say nothing."""
    usual = {field.name: field.default for field in fields(result)}
    return {
        name: value
        for name, value in asdict(result).items()
        if usual[name] is MISSING or (value and value != usual[name])
    }


def load(path: Path) -> Report:
    """Read a report; `ValueError` for one of another schema, which has to be measured again."""
    data = json.loads(path.read_text(encoding="utf-8"))
    if (found := data.pop("schema")) != SCHEMA:
        raise ValueError(f"{path}: a report of schema {found}; measure it again, for {SCHEMA}")
    results = [Result(**one) for one in data.pop("results")]
    return Report(ran=Ran(**data), results=results)
