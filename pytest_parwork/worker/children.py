"""The processes that tasks start on a cluster: they end with the run, and their workers do not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from mmap import mmap
from signal import SIGKILL

from ..machine.clock import sleep
from ..machine.marks import PAGE, named_page
from ..machine.system import os

#: The variable in programs that are started during a run; it is not in `os.environ`.
VARIABLE = "PARWORK_RUN"

#: How often is looked for processes, which may start others meanwhile; the seconds between.
LOOKS = 20
BETWEEN = 0.01


class Children:
    """Marks what is started in this process until it is closed, as `machine.marks` does.

    The name of the page has the id of this process, which has the page itself.
    """

    def __init__(self, run: str) -> None:
        self._page: mmap | None = None
        with suppress(OSError):  # no memory: what is forked is not found
            if hasattr(os, "memfd_create"):
                self._page = named_page(f"{PAGE}run-{run}-{os.getpid()}")
        os.putenv(VARIABLE, run)

    def close(self) -> None:
        """Stop marking."""
        os.unsetenv(VARIABLE)
        if self._page is not None:
            self._page.close()


def end_children(run: str) -> None:
    """Kill what tasks of a run have started on this host, in dead workers, too.

    Resource trackers are spared: their worker needs them, and they exit with it.
    """
    for _ in range(LOOKS):
        found = list(_children(run))
        for pid in found:
            with suppress(OSError):
                os.kill(pid, SIGKILL)
        if not found:
            return
        sleep(BETWEEN)


def _children(run: str) -> Iterator[int]:
    if not os.path.isdir("/proc/self"):
        return
    variable = f"{VARIABLE}={run}".encode()
    page = re.compile(rf"/memfd:{PAGE}run-{run}-(\d+)".encode())
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        with suppress(OSError):  # it exits meanwhile, or belongs to another user
            is_started = variable in _content(pid, "environ").split(b"\0")
            owners = page.findall(_content(pid, "maps"))
            is_forked = bool(owners) and int(owners[0]) != pid
            if (is_started or is_forked) and b"resource_tracker" not in _content(pid, "cmdline"):
                yield pid


def _content(pid: int, name: str) -> bytes:
    with open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read()
