"""A session over planted defects, and whether the causes that it names are theirs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .planted import Planted

#: Seconds that a session may take for each module.
SECONDS = 60.0

#: What measures each diagnosis, and may give it more time than users have to wait for it.
MEASURING = """
import resource, time
from pytest_parwork.plugin.variants import causes
from pytest_parwork.verify.diagnosis import diagnosis
diagnosis.LEAST = {least} or diagnosis.LEAST

def cpu():
    both = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)

def measured(diagnose):
    def call(lab, *args):
        began, used = time.perf_counter(), cpu()
        found = diagnose(lab, *args)
        module = lab.difference.id.partition(".py::")[0]
        with open("seconds.txt", "a") as file:
            print(module, time.perf_counter() - began, cpu() - used, file=file)
        return found
    return call

diagnosis.diagnose = measured(diagnosis.diagnose)
causes.diagnose_variant = measured(causes.diagnose_variant)
"""


class Seconds(NamedTuple):
    """The seconds of a diagnosis: on the clock, and of the CPU in all of its processes."""

    wall: float = 0.0
    cpu: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a session found for a module: causes as name, detail, whether confirmed, evidence."""

    planted: Planted
    causes: tuple[tuple[str, str, bool, str], ...]
    seconds: Seconds

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
) -> tuple[Mapping[str, Any], Mapping[str, Seconds]]:
    """Run all modules in a session of pytest; return its report, and the seconds of diagnoses.

    These are by module. With `least`, each diagnosis may take so many seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        for one in corpus:
            Path(folder, f"test_{one.name}.py").write_text(one.text(), encoding="utf-8")
        Path(folder, "conftest.py").write_text(MEASURING.format(least=least), encoding="utf-8")
        report = Path(folder, "report.json")
        environment = dict(os.environ, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
        environment.pop("PYTEST_ADDOPTS", None)
        words = ("-p", "pytest_parwork.plugin", "-p", "no:cacheprovider", "--rootdir=.", "-q")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", *words, *options),
                f"--parwork-report={report}",
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
        return found, _seconds(Path(folder, "seconds.txt"))


def _seconds(file: Path) -> Mapping[str, Seconds]:
    if not file.exists():
        return {}
    lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
    return {
        name.removeprefix("test_"): Seconds(float(wall), float(cpu)) for name, wall, cpu in lines
    }


def judged(
    corpus: Iterable[Planted], report: Mapping[str, Any], seconds: Mapping[str, Seconds]
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
            seconds=seconds.get(one.name, Seconds()),
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
            f"{mark} {one.seconds.wall:5.1f} s {one.seconds.cpu:5.2f} s of CPU "
            f"{one.planted.name:36} {intended:40} {causes}".rstrip()
        )
        if mark.strip():
            lines += [f"{'':9}{evidence}" for *_, evidence in one.causes]
    return "\n".join(lines)
