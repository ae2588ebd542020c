"""What a call uses outside of its process: files that it writes, connections that forks share."""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from .treatments import Function

#: The events of the interpreter that report something which outlives the call.
_LASTING = {"os.mkdir", "os.rename", "os.remove", "socket.bind", "sqlite3.connect"}


def _positions() -> dict[str, str]:
    """Return the position in each file that is open, by its path; nothing without /proc.

    Files without a name are ours, and the standard streams those of whoever captures output.
    """
    found = {}
    with suppress(OSError):
        for number in set(os.listdir("/proc/self/fd")) - {"0", "1", "2"}:
            with suppress(OSError), open(f"/proc/self/fdinfo/{number}", encoding="ascii") as file:
                path = os.readlink(f"/proc/self/fd/{number}")
                if path.startswith("/") and not path.endswith(" (deleted)"):
                    found[path] = file.readline()
    return found


def watching(function: Function) -> Function:
    """Return a function that returns what a call opens for writing, in place of its result.

    So it does with an open file in which the call moves on, because forks share its position.
    """

    def call(*args: object, **kwargs: object) -> object:
        before = _positions()
        seen: list[str] = []
        is_over = False

        def hook(event: str, given: tuple[Any, ...]) -> None:
            if is_over:
                return
            if event == "open" and isinstance(given[2], int):
                if given[2] & (os.O_WRONLY | os.O_RDWR) and isinstance(given[0], str):
                    seen.append(given[0])
            elif event in _LASTING:
                seen.append(str(given[1] if event == "socket.bind" else given[0]))

        sys.addaudithook(hook)  # it cannot be removed, but it ends with the fork
        with suppress(BaseException):
            function(*args, **kwargs)
        is_over = True
        after = _positions()
        seen += [path for path, at in before.items() if after.get(path, at) != at]
        return sorted(set(seen) - {os.devnull})

    return call


def connected(function: Function) -> Function:  # noqa: ARG001, it is not called
    """Return a function that names the connections which its process has, in place of a result.

    A fork shares them with its parent and with all other forks. Those without a name are ours.
    """

    def call(*args: object, **kwargs: object) -> object:  # noqa: ARG001, those of the case
        return sorted({f"the connection to {peer}" for peer in _peers()})

    return call


def _peers() -> Iterator[str]:
    """Yield the other ends of all sockets that are connected to one with an address."""
    for name in os.listdir("/dev/fd"):
        with suppress(OSError):
            if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
            with socket.socket(fileno=os.dup(int(name))) as end:
                peer = end.getpeername()
            if peer:
                is_internet = isinstance(peer, tuple)
                yield f"{peer[0]}:{peer[1]}" if is_internet else str(peer)
