"""The measurement of every benchmark: contenders in turn, medians, ratios to a peer per round.

The speed of a machine drifts by more than the differences to show. So contenders take turns, ratios
are those of neighbours, and the median of the ratios is shown with the least and the largest.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from workloads import spin

__all__ = [
    "REPEATS",
    "Sample",
    "Sandbox",
    "interleave",
    "loops_for",
    "measured",
    "repeats",
    "sandbox",
    "show",
    "timed",
]

#: How often every contender runs, by default.
REPEATS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Seconds of one run: on the wall, and of the processors, with those of ended children.

    `peak` is the largest resident memory of the process, or of a child if that had more, in MB.
    """

    wall: float
    cpu: float | None = None
    peak: float | None = None


Contender = Callable[[], Sample]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A directory with the files of a benchmark, and the environment in which it is run."""

    path: Path
    environment: Mapping[str, str]

    def python(self, *arguments: str) -> Contender:
        """Return a contender: a whole process of this Python, from its start to its end."""
        return lambda: self._run([sys.executable, *arguments])

    def pytest(self, *arguments: str) -> Contender:
        """Return a contender: a quiet pytest that loads no plugin but those of `arguments`."""
        return self.python("-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)

    def output(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run this Python once and return what it wrote."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.path,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )

    def _run(self, command: Sequence[str]) -> Sample:
        log = self.path / "output.txt"
        sample, code = measured(command, cwd=self.path, environment=self.environment, log=log)
        if code:
            text = log.read_text(encoding="utf-8", errors="replace")
            raise RuntimeError(f"{' '.join(command)} ended with {code}:\n{text}")
        return sample


def measured(
    command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], log: Path
) -> tuple[Sample, int]:
    """Run a program, its output into `log`; return what it took, and its exit code."""
    with log.open("wb") as output:
        began = time.perf_counter()
        child = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
    cpu = usage.ru_utime + usage.ru_stime
    return Sample(wall=wall, cpu=cpu, peak=usage.ru_maxrss / 1024), child.returncode


@contextmanager
def sandbox(files: Mapping[str, str]) -> Iterator[Sandbox]:
    """Write `files` into a new directory, in which pytest finds no plugin by itself.

    Bytecode is kept next to them: if `PYTHONDONTWRITEBYTECODE` is set, pytest would rewrite the
    assertions of every plugin anew in each run, which takes longer than what is measured.
    """
    with tempfile.TemporaryDirectory(prefix="bench-parwork-") as name:
        path = Path(name)
        for file, text in {"pytest.ini": "[pytest]\n", **files}.items():
            (path / file).write_text(text, encoding="utf-8")
        environment = {
            **os.environ,
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(path / "bytecode"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_ADDOPTS": "",
        }
        yield Sandbox(path=path, environment=environment)


def timed(function: Callable[[], float | None], *, counts_cpu: bool = False) -> Contender:
    """Return a contender: a call in this process, which may return a part of its time instead.

    With `counts_cpu`, the processor time is known, too: that of this process and of its children,
    those that have ended, and those that live on, as joblib's workers do.
    """

    def run() -> Sample:
        began, busy = time.perf_counter(), _busy()
        reported = function()
        wall = time.perf_counter() - began if reported is None else reported
        return Sample(wall=wall, cpu=_busy() - busy if counts_cpu else None)

    return run


def _busy() -> float:
    """Return the seconds of the processors so far; of living children on Linux only."""
    ticks = 0
    for file in Path("/proc/self/task").glob("*/children"):
        for child in file.read_text().split():
            with suppress(OSError):  # it has just ended
                fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
    return sum(os.times()[:4]) + ticks / os.sysconf("SC_CLK_TCK")


def interleave(
    contenders: Mapping[str, Contender], repeats: int, *, warm_ups: int = 1
) -> dict[str, list[Sample]]:
    """Run the contenders in turn, each round beginning with another one; warm-ups do not count."""
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(-warm_ups, repeats):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            sample = contenders[name]()
            if number >= 0:
                samples[name].append(sample)
    return samples


def loops_for(seconds: float) -> int:
    """Return how many loops of `spin` take so long on this machine, undisturbed."""
    loops = 20_000
    best = min(_seconds_of(loops) for _ in range(50))
    return round(loops * seconds / best)


def _seconds_of(loops: int) -> float:
    began = time.perf_counter()
    spin(loops)
    return time.perf_counter() - began


def show(title: str, samples: Mapping[str, Sequence[Sample]], *, peer: str) -> None:
    """Print the seconds of each contender and their ratio to those of `peer`.

    The ratio of the least times has the least noise on a machine that others use, too.
    """
    print(title)
    _table("wall", {name: [one.wall for one in rounds] for name, rounds in samples.items()}, peer)
    cpu = {name: [one.cpu for one in rounds if one.cpu] for name, rounds in samples.items()}
    if all(cpu.values()):
        _table("CPU", cpu, peer)
    peaks = {name: [one.peak for one in rounds if one.peak] for name, rounds in samples.items()}
    if all(peaks.values()):
        _table("peak memory", peaks, peer, unit="MB")


def _table(kind: str, found: Mapping[str, Sequence[float]], peer: str, *, unit: str = "s") -> None:
    width = max(map(len, (kind, *found)))
    print(f"  {kind:{width}}    median    ratio (least to largest)     least    ratio")
    for name, rounds in found.items():
        ratios = sorted(one / other for one, other in zip(rounds, found[peer], strict=True))
        shown = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        least = min(rounds)
        print(
            f"  {name:{width}} {statistics.median(rounds):7.3f} {unit:2}   {shown:24}"
            f"{least:7.3f} {unit:2}   {least / min(found[peer]):5.2f}"
        )


def repeats(description: str | None) -> int:
    """Return how often to run, from the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--repeats", type=int, default=REPEATS, help="default %(default)s")
    chosen: int = parser.parse_args().repeats
    return chosen
