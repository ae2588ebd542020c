"""The processes of the system, by proc(5)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["children", "command_line", "descendants", "describe", "is_living"]


def children(pid: int) -> list[int]:
    """Return the living children of a process."""
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError):
                words = Path(f"/proc/{pid}/task/{thread}/children").read_text().split()
                found += [int(word) for word in words if is_living(int(word))]
    return found


def descendants(pid: int) -> list[int]:
    """Return all living descendants of a process."""
    found: list[int] = []
    todo = [pid]
    while todo:
        new = children(todo.pop())
        found += new
        todo += new
    return found


def is_living(pid: int) -> bool:
    """Return whether such a process exists, and has not exited."""
    return _state(pid) not in "ZX"


def command_line(pid: int) -> str:
    """Return the beginning of the command line of a process."""
    with suppress(OSError):
        line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
        return line.decode(errors="replace").strip()[:160]
    return ""


def describe(pid: int) -> str:
    """Return id, state and command line of a process."""
    return f"{pid} {_state(pid)} {command_line(pid)}"


def _state(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "X"
    fields = stat.rpartition(")")[2].split()
    has_other_threads = fields[0] == "Z" and int(fields[17]) > 1
    return "S" if has_other_threads else fields[0]
