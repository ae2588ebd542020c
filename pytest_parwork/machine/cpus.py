"""The number of processors that this process may use."""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

from ..model.dataclass import dataclass

#: Where Linux lists the control groups of this process, and their mounts.
PROC = Path("/proc/self")

#: The usual mount point of control groups, for a `mountinfo` that does not list them.
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpus:
    """A number of processors; `limit` names the limit that lowers it, empty if it is all."""

    number: int
    limit: str = ""

    def __str__(self) -> str:
        noun = "usable CPU" if self.number == 1 else "usable CPUs"
        return f"{self.number} {noun}" + (f" ({self.limit})" if self.limit else "")


def usable_cpus() -> Cpus:
    """Return the processors that this process may use, by the lowest of all limits.

    The limits are its affinity (which includes a container's cpuset), the CPU time that its control
    groups get, and from Python 3.13 on the number that the user set for Python. The latter can only
    lower the number: more workers than processors would make the tested library look slow.
    """
    machine = os.cpu_count() or 1
    try:
        found = Cpus(number=len(os.sched_getaffinity(0)))  # not on macOS and Windows
    except (AttributeError, OSError):
        found = Cpus(number=machine)
    usable = getattr(os, "process_cpu_count", lambda: None)() or found.number
    if usable == found.number < machine:  # else the user's number has replaced `machine` as well
        found = Cpus(number=found.number, limit="affinity")
    elif usable < found.number:
        is_option = "cpu_count" in sys._xoptions
        found = Cpus(number=usable, limit="-X cpu_count" if is_option else "PYTHON_CPU_COUNT")
    quota = lowest_quota(PROC, CGROUPS)
    if quota < found.number and (whole := max(1, math.ceil(quota))) < found.number:
        found = Cpus(number=whole, limit="cgroup limit")
    return found


@cache  # for the process: it is asked for each run, and reads a dozen files in half a millisecond
def lowest_quota(proc: Path, cgroups: Path) -> float:
    """Return, in processors, the lowest limit of CPU time, infinite without one."""
    return min(_quotas(proc, cgroups), default=math.inf)


def _quotas(proc: Path, cgroups: Path) -> Iterator[float]:
    """Yield, in processors, the limit of each control group around this process.

    A group's limit includes all groups below it. The lowest may be that of a container, of the pod
    around it, or of the service around both.
    """
    for folder in _control_groups(proc, cgroups):
        quota, _, period = _text(folder / "cpu.max").partition(" ")  # version 2
        if not quota:
            quota, period = (_text(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
        # "max", and -1 in version 1, mean no limit; invalid texts are ignored.
        if quota.isdecimal() and period.isdecimal() and int(quota) and int(period):
            yield int(quota) / int(period)


def _control_groups(proc: Path, cgroups: Path) -> Iterator[Path]:
    """Yield the folder of each control group that limits CPU time, with those around it."""
    mounts = list(_mounts(proc))
    for line in (_text(proc / "cgroup") or "0::/\n0:cpu:/").splitlines():
        _, _, named = line.partition(":")
        controllers, _, path = named.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        version = "cgroup" if controllers else "cgroup2"
        places = [(root, mount) for kind, root, mount in mounts if kind == version]
        usual = [cgroups / "cpu", cgroups / controllers] if controllers else [cgroups]
        for root, mount in places or [("/", mount) for mount in usual]:
            yield from _upwards(path, root, mount)


def _mounts(proc: Path) -> Iterator[tuple[str, str, Path]]:
    """Yield each mount that may hold limits of CPU time, as (version, root, mount point)."""
    for line in _text(proc / "mountinfo").splitlines():
        fields, _, rest = line.partition(" - ")
        described, names = fields.split(" "), rest.split(" ")
        if len(described) < 5 or len(names) < 3:
            continue
        if names[0] == "cgroup2" or (names[0] == "cgroup" and "cpu" in names[2].split(",")):
            root, place = (
                re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), field)
                for field in described[3:5]
            )
            yield names[0], root, Path(place)


def _upwards(path: str, root: str, mount: Path) -> Iterator[Path]:
    """Yield the folder of the group `path` and those around it, up to the mount point.

    In a container without a namespace of its own, path and root are the host's. A path that is not
    below the root is another namespace's: then only the mount point itself is known.
    """
    try:
        inside = PurePosixPath(path).relative_to(root)
    except ValueError:
        inside = PurePosixPath()
    if ".." not in inside.parts:
        for depth in range(len(inside.parts), 0, -1):
            yield mount.joinpath(*inside.parts[:depth])
    yield mount


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except (OSError, ValueError):
        return ""
