"""The process groups of workers: enrolled as they come, ended with all that is still in them.

Each worker is the first of a group, so that what a task has started can be found when the worker is
gone. Run as a program, this module waits for the end of the process that started it, and then ends
the groups that this one had no time to end.
"""

from __future__ import annotations

import os
import select
import signal
import struct
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress

__all__ = [
    "born",
    "end_groups",
    "enroll",
    "enrolled",
    "kill_group",
    "kill_rest_of_group",
    "lives",
    "state_of",
]

#: The flag of a process that is ending, PF_EXITING of Linux.
EXITING = 0x4

#: One worker in a registry: its process id, and when it was born.
_RECORD = struct.Struct("=qq")

#: Seconds that processes which are killed have to be gone, with those born meanwhile.
DYING = 2.0

#: Seconds between two looks at the parent, where the system cannot tell of its end.
GLANCE = 0.2


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


def end_groups(registry: int, session: int) -> None:
    """Kill every process in the groups of the enrolled workers; the registry is a descriptor.

    An id may have been given to another process since: only what is of our session, and younger
    than the worker, is a descendant of it.
    """
    data = os.pread(registry, os.fstat(registry).st_size, 0)
    births = dict(_RECORD.iter_unpack(data[: len(data) - len(data) % _RECORD.size]))
    until = time.monotonic() + DYING
    while (left := list(_members(births, session))) and time.monotonic() < until:
        for pid in left:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


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
        stat = _stat(pid)
    except OSError:
        return "Z"
    return "Z" if int(stat[6]) & EXITING else stat[0]


def born(pid: int) -> int:
    """Return when a process began, in ticks since the machine did; 0 where that is not known."""
    try:
        return int(_stat(pid)[19])
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


def _members(births: Mapping[int, int], session: int) -> Iterator[int]:
    if not os.path.isdir("/proc/self"):
        for pid in births:
            with suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
        return
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        with suppress(OSError):  # it may end while it is looked at
            stat = _stat(int(name))
            group = int(stat[2])
            if (
                group in births
                and int(stat[3]) == session
                and stat[0] != "Z"
                and int(stat[19]) >= births[group]
            ):
                yield int(name)


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/…/stat behind the name, which may hold anything: proc(5)."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()


def main(registry: int, parent: int) -> None:
    """Wait for the end of `parent`, then end the groups in the registry."""
    session = os.getsid(parent)
    try:
        end = os.pidfd_open(parent)
        while os.getppid() == parent and not select.select([end], [], [], 60.0)[0]:
            pass
    except (AttributeError, OSError):  # not on Linux, or an old one
        while os.getppid() == parent:
            time.sleep(GLANCE)
    end_groups(registry, session)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
