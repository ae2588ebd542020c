"""The process groups of workers: enrolled at their start, and killed with all their processes.

Each worker leads a process group, so that what a task has started can be found after the worker has
exited.
"""

from __future__ import annotations

import signal
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress

from .system import os

#: The flag of a process that is exiting, PF_EXITING of Linux.
EXITING = 0x4

#: One worker in a registry: its process id and its start time.
_RECORD = struct.Struct("=qq")


def enroll(registry: str) -> None:
    """Add this process to the registry at that path."""
    fd = os.open(registry, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(fd, _RECORD.pack(os.getpid(), born(os.getpid())))
    finally:
        os.close(fd)


def enrolled(registry: str) -> int:
    """Return the number of processes that were added to the registry at that path."""
    return os.stat(registry).st_size // _RECORD.size


def births(registry: int) -> Mapping[int, int]:
    """Return the processes in a registry (a descriptor), each with its start time."""
    data = os.pread(registry, os.fstat(registry).st_size, 0)
    return dict(_RECORD.iter_unpack(data[: len(data) - len(data) % _RECORD.size]))


def kill_group(pid: int) -> None:
    """Kill a worker that is alive, or was a moment ago, with all processes of its group."""
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(OSError):  # one that had no time to create its group
        os.kill(pid, signal.SIGKILL)


def kill_rest_of_group(pid: int) -> None:
    """Kill the remaining processes in the group of a worker that has just exited."""
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def state_of(pid: int) -> str:
    """Return the letter of the state of a process, `Z` for one that has exited or is exiting.

    The peers of an exiting process have already lost their connections to it. Without /proc the
    state is unknown, and the text empty.
    """
    if not os.path.isdir("/proc/self"):
        return ""
    try:
        stat = stat_of(pid)
        state = _state_of_thread(stat)
        if state == "Z" and int(stat[17]) > 1:
            # Its first thread has ended alone, by pthread_exit or seccomp say; it lives on.
            tasks = f"/proc/{pid}/task"
            others = (_state_of_thread(stat_of(f"{pid}/task/{name}")) for name in os.listdir(tasks))
            state = next((other for other in others if other != "Z"), "Z")
    except OSError:
        return "Z"
    return state


def _state_of_thread(stat: Sequence[str]) -> str:
    return "Z" if int(stat[6]) & EXITING else stat[0]


def ticks_of(pid: int) -> int:
    """Return the CPU time of a process in ticks of the system, 0 where it cannot be determined."""
    try:
        return sum(map(int, stat_of(pid)[11:13]))
    except OSError:
        return 0


def stat_of(pid: int | str) -> list[str]:
    """Return the fields of /proc/…/stat after the name, which may contain anything: proc(5)."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()


def born(pid: int) -> int:
    """Return the start time of a process, in ticks since the boot; 0 where it is unknown."""
    try:
        return int(stat_of(pid)[19])
    except OSError:
        return 0


def lives(pid: int, birth: int) -> bool:
    """Return whether the process with that id and start time is alive; false for the id 0."""
    if not pid:
        return False
    if os.path.isdir("/proc/self"):
        return state_of(pid) != "Z" and born(pid) == birth
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False
