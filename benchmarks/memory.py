"""The memory that cases and their results take.

Of results of 50 MB: two copies of one at most, and none once it is compared. The parallel run ends
before the first case is compared, so all its results are in shared memory by then, one copy each.
Everything else must not grow with the number of cases: the memory of the processes themselves.
Both are sampled from /proc for the whole tree of processes (Linux only).

Of trivial cases: what pytest has at its peak beyond plain pytest, for each case. A session without
cases has some 10 MB more, which are not counted.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from measure import Sandbox, sandbox

#: Megabytes of one result.
SIZE = 50

CASES = """
import os
import time
from pathlib import Path

import numpy as np
import pytest

SIZE = {size} * 1_000_000


def make_array(n):
    return np.full(SIZE // 8, n, dtype=float)


def make_bytes(n):
    return bytes([n]) * SIZE


def make_list(n):
    return [bytes([n, part]) * (SIZE // 50) for part in range(25)]


def test_before():
    Path("before").touch()
    time.sleep(0.3)


@pytest.mark.parwork(backend={backend!r}, workers=2)
@pytest.mark.parametrize("n", range({cases}))
def test_result(n):
    return make_{kind}(n)


def test_after():
    Path("after").touch()
    time.sleep(0.3)
"""


TRIVIAL = """
import pytest

{mark}
@pytest.mark.parametrize("n", range({cases}))
def test_trivial(n):
    {what} n
"""

MARK = "@pytest.mark.parwork(backend={backend!r}, workers=2)"

#: Two numbers of trivial cases: the difference leaves out what does not grow with them.
FEW, MANY = 1_000, 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Megabytes that a tree of processes has at one time.

    `here` is the private memory of pytest, `workers` that of the processes it started, `shared`
    what files in memory hold, mapped or not.
    """

    here: float
    workers: float
    shared: float


def level(pid: int) -> Level:
    """Return what the process and its descendants have now."""
    processes = [pid, *_descendants(pid)]
    private = [_private(process) for process in processes]
    files = dict(file for process in processes for file in _memory_files(process))
    return Level(here=private[0], workers=sum(private[1:]), shared=sum(files.values()))


def _descendants(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(n) for task in tasks for n in (task / "children").read_text().split()]
    except OSError:  # it has ended
        return []
    return [found for child in children for found in (child, *_descendants(child))]


def _private(pid: int) -> float:
    """Return the proportional set size without what is shared: pages of a fork count once."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0.0
    found = dict(re.findall(r"^(\w+): +(\d+) kB", text, re.MULTILINE))
    return (int(found.get("Pss", 0)) - int(found.get("Pss_Shmem", 0))) / 1000


def _memory_files(pid: int) -> list[tuple[int, float]]:
    found = []
    try:
        for entry in os.scandir(f"/proc/{pid}/fd"):
            if os.readlink(entry.path).startswith("/memfd:"):
                facts = os.stat(entry.path)
                found.append((facts.st_ino, facts.st_blocks * 512 / 1e6))
    except OSError:
        pass
    return found


def watch(box: Sandbox, file: str) -> dict[str, list[Level]]:
    """Run pytest on the file; return the levels before, while, and after the cases run."""
    levels: dict[str, list[Level]] = {"before": [], "cases": [], "after": []}
    for marker in ("before", "after"):
        (box.path / marker).unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["-p", "pytest_parwork.plugin", file]
    process = subprocess.Popen(
        command, cwd=box.path, env=box.environment, stdout=subprocess.PIPE, text=True
    )
    started = 0.0
    while process.poll() is None:
        now = level(process.pid)
        if (box.path / "after").exists():
            levels["after"].append(now)
        elif (box.path / "before").exists():
            started = started or time.perf_counter()
            is_before = time.perf_counter() - started < 0.25
            levels["before" if is_before else "cases"].append(now)
        time.sleep(0.002)
    if process.returncode:
        raise RuntimeError(process.communicate()[0])
    return levels


def peak(box: Sandbox, *arguments: str) -> float:
    """Run pytest, and return the kilobytes that it had at its peak."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    process = subprocess.Popen(
        command, cwd=box.path, env=box.environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return usage.ru_maxrss


def grown(backend: str | None) -> float:
    """Return how many kilobytes a trivial case adds to the peak; without a backend, in pytest."""
    mark = "" if backend is None else MARK.format(backend=backend)
    what = "assert 0 <=" if backend is None else "return"
    plugin = [] if backend is None else ["-p", "pytest_parwork.plugin"]
    files = {
        f"test_{cases}.py": TRIVIAL.format(mark=mark, cases=cases, what=what)
        for cases in (FEW, MANY)
    }
    with sandbox(files) as box:
        few, many = (peak(box, *plugin, f"test_{cases}.py") for cases in (FEW, MANY))
    return (many - few) / (MANY - FEW)


def compare_trivial() -> None:
    """Print what trivial cases take beyond plain pytest."""
    plain = grown(None)
    print(f"peak of pytest for each of {MANY:,} trivial cases: {plain:.2f} kB without parwork")
    for backend in ("threads", "processes"):
        print(f"  {backend:12} {grown(backend) - plain:+.2f} kB")


def main() -> None:
    """Measure, and print."""
    compare_trivial()
    print(f"memory in results of {SIZE} MB, above what was there before: the most of each kind")
    print(f"{'':28} pytest   workers   shared   together   left after the last")
    for kind in ("array", "list", "bytes"):
        for backend in ("threads", "processes"):
            for cases in (4, 16):
                text = CASES.format(size=SIZE, backend=backend, cases=cases, kind=kind)
                with sandbox({"test_results.py": text}) as box:
                    _print(f"{kind}, {backend}, {cases} cases", watch(box, "test_results.py"))


def _print(name: str, levels: dict[str, list[Level]]) -> None:
    base = levels["before"][-1]
    cases = levels["cases"]
    here = max(now.here for now in cases) - base.here
    workers = max(now.workers for now in cases)
    shared = max(now.shared for now in cases)
    together = max(now.here + now.workers + now.shared for now in cases) - base.here
    last = levels["after"][-1]
    left = last.here + last.workers + last.shared - base.here
    figures = [megabytes / SIZE for megabytes in (here, workers, shared, together, left)]
    print("{:28} {:6.1f} {:9.1f} {:8.1f} {:10.1f} {:12.1f}".format(name, *figures))


if __name__ == "__main__":
    main()
