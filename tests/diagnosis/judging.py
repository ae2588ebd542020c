"""A session over planted defects, and whether the causes that it names are theirs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .planted import Planted

#: Seconds that a session may take for each module.
SECONDS = 60.0

#: What gives a diagnosis more time than users have to wait for it.
PATIENT = """
from pytest_parwork.verify.diagnosis import diagnosis
diagnosis.LEAST = {least}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a session found for a module: causes as name, detail, whether confirmed, evidence."""

    planted: Planted
    causes: tuple[tuple[str, str, bool, str], ...]
    seconds: float

    @property
    def is_wrong(self) -> bool:
        """Whether a confirmed cause was not planted, or a clean function has any."""
        if not self.planted.causes:
            return bool(self.causes)
        return any(
            confirmed and not self.planted.allows(name, detail)
            for name, detail, confirmed, _ in self.causes
        )

    @property
    def is_missed(self) -> bool:
        """Whether the first cause, which the message shows, is none of those planted."""
        if not self.planted.causes:
            return False
        return not self.causes or not self.planted.allows(*self.causes[0][:2])


def session(
    corpus: Sequence[Planted],
    *,
    least: float | None = None,
    is_shown: bool = False,
    options: Sequence[str] = (),
) -> tuple[Mapping[str, Any], Mapping[str, float]]:
    """Run all modules in a session of pytest; return its report, and seconds by module.

    These are those of its slowest case, which is the one that was diagnosed. With `least`, each
    diagnosis may take so many seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        for one in corpus:
            Path(folder, f"test_{one.name}.py").write_text(one.text(), encoding="utf-8")
        if least is not None:
            Path(folder, "conftest.py").write_text(PATIENT.format(least=least), encoding="utf-8")
        report = Path(folder, "report.json")
        environment = dict(os.environ, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
        environment.pop("PYTEST_ADDOPTS", None)
        words = ("-p", "pytest_parwork.plugin", "-p", "no:cacheprovider", "--rootdir=.", "-q")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", *words, *options),
                *("--durations=0", f"--parwork-report={report}"),
            ],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS * max(2, len(corpus)),
            check=False,
        )
        if is_shown or done.returncode not in (0, 1):
            print(done.stdout, done.stderr, sep="\n")
        found = json.loads(report.read_text(encoding="utf-8"))
        assert isinstance(found, dict)
        return found, _seconds(done.stdout)


def _seconds(text: str) -> Mapping[str, float]:
    found: dict[str, float] = {}
    for seconds, module in re.findall(r"([\d.]+)s call +test_(\w+)\.py::", text):
        found[module] = max(found.get(module, 0.0), float(seconds))
    return found


def judged(
    corpus: Iterable[Planted], report: Mapping[str, Any], seconds: Mapping[str, float]
) -> list[Judged]:
    """Return what a session found for each module."""
    runs = {run["id"].partition(".py::")[0]: run for run in report["runs"]}
    return [
        Judged(
            planted=one,
            causes=tuple(
                (cause["name"], cause["detail"], cause["confirmed"], cause["evidence"])
                for cause in runs[f"test_{one.name}"]["causes"]
            ),
            seconds=seconds.get(one.name, 0.0),
        )
        for one in corpus
    ]


def as_table(found: Sequence[Judged]) -> str:
    """Return the table: intended, found, what is wrong."""
    lines = []
    for one in found:
        mark = "WRONG " if one.is_wrong else "missed" if one.is_missed else "      "
        causes = "; ".join(
            f"{name}{f' ({detail})' if detail else ''}{'' if sure else '?'}"
            for name, detail, sure, _ in one.causes
        )
        intended = " | ".join(one.planted.causes)
        lines.append(
            f"{mark} {one.seconds:5.1f} s {one.planted.name:36} {intended:40} {causes}".rstrip()
        )
        if mark.strip():
            lines += [f"{'':9}{evidence}" for *_, evidence in one.causes]
    return "\n".join(lines)
