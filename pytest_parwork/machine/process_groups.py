"""The process groups of workers: enrolled as they come, killed with all that is in them.

Each worker is the first of a group, so that what a task has started can be found when the worker is
gone.
"""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Mapping
from contextlib import suppress

__all__ = [
    "births",
    "born",
    "enroll",
    "enrolled",
    "kill_group",
    "kill_rest_of_group",
    "lives",
    "stat_of",
    "state_of",
    "ticks_of",
]

#: The flag of a process that is ending, PF_EXITING of Linux.
EXITING = 0x4

#: One worker in a registry: its process id, and when it was born.
_RECORD = struct.Struct("=qq")


def enroll(registry: str) -> None:
    """Add this process to the registry at that path."""
    fd = os.open(registry, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(fd, _RECORD.pack(os.getpid(), born(os.getpid())))
    finally:
        os.close(fd)


def enrolled(registry: str) -> int:
    """Return how often processes were added to the registry at that path."""
    return os.stat(registry).st_size // _RECORD.size


def births(registry: int) -> Mapping[int, int]:
    """Return the processes in a registry, a descriptor, each with when it was born."""
    data = os.pread(registry, os.fstat(registry).st_size, 0)
    return dict(_RECORD.iter_unpack(data[: len(data) - len(data) % _RECORD.size]))


def kill_group(pid: int) -> None:
    """Kill a worker that is there, or was until now, with all that is in its group."""
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(OSError):  # one that had no time to make its group
        os.kill(pid, signal.SIGKILL)


def kill_rest_of_group(pid: int) -> None:
    """Kill what is still in the group of a worker that has just exited."""
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def state_of(pid: int) -> str:
    """Return the letter that the system has for a process, `Z` for one that has ended.

    So it is for one that is ending: those that it was connected with know of it already. Where it
    cannot be told (without /proc), it is empty.
    """
    if not os.path.isdir("/proc/self"):
        return ""
    try:
        stat = stat_of(pid)
    except OSError:
        return "Z"
    return "Z" if int(stat[6]) & EXITING else stat[0]


def ticks_of(pid: int) -> int:
    """Return how long a process has computed, in ticks of the system; 0 where nobody can tell."""
    try:
        return sum(map(int, stat_of(pid)[11:13]))
    except OSError:
        return 0


def stat_of(pid: int) -> list[str]:
    """Return the fields of /proc/…/stat behind the name, which may hold anything: proc(5)."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()


def born(pid: int) -> int:
    """Return when a process began, in ticks since the machine did; 0 where that is not known."""
    try:
        return int(stat_of(pid)[19])
    except OSError:
        return 0


def lives(pid: int, birth: int) -> bool:
    """Return whether the process of that id which was born then is still there; none has id 0."""
    if not pid:
        return False
    if os.path.isdir("/proc/self"):
        return state_of(pid) != "Z" and born(pid) == birth
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False
