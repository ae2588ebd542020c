"""The processes that tasks start on a cluster: they end with the run, and their workers do not."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
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

#: A page in the list of mappings of a process: the run, and the process that made it.
_PAGE = re.compile(rf"/memfd:{PAGE}run-(.+)-(\d+)".encode())


class Children:
    """Marks what is started in this process until it is closed, as `machine.marks` does.

    The name of the page has the id of this process, which has the page itself.
    """

    _open: list[str] = []  # noqa: RUF012, the runs of this process that are not closed

    def __init__(self, run: str) -> None:
        self._run = run
        self._page: mmap | None = None
        with suppress(OSError):  # no memory: what is forked is not found
            if hasattr(os, "memfd_create"):
                self._page = named_page(f"{PAGE}run-{run}-{os.getpid()}")
        self._open.append(run)
        os.putenv(VARIABLE, run)

    def close(self) -> None:
        """Stop marking; what is started from now on belongs to the other runs, if there are any."""
        self._open.remove(self._run)
        if self._open:
            os.putenv(VARIABLE, self._open[-1])
        else:
            os.unsetenv(VARIABLE)
        if self._page is not None:
            self._page.close()


def end_children(run: str, *, threads: Iterable[int] | None = None) -> None:
    """Kill what tasks of a run have started on this host, in dead workers, too.

    With `threads`, only what these threads of this process have started themselves. Resource
    trackers are spared: their worker needs them, and they exit with it.
    """
    for _ in range(LOOKS):
        found = list(_children(run))
        if threads is not None:
            found = list({*found} & {*_started_by(threads)})
        for pid in found:
            with suppress(OSError):
                os.kill(pid, SIGKILL)
        if not found:
            return
        sleep(BETWEEN)


def _started_by(threads: Iterable[int]) -> Iterator[int]:
    for thread in threads:
        with suppress(OSError):  # it has ended, or the kernel does not list children
            yield from map(int, _content(f"self/task/{thread}/children").split())


def _children(run: str) -> Iterator[int]:
    if not os.path.isdir("/proc/self"):
        return
    variable = f"{VARIABLE}={run}".encode()
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        with suppress(OSError):  # it exits meanwhile, or belongs to another user
            is_started = variable in _content(f"{pid}/environ").split(b"\0")
            is_ours = is_started or _is_forked_by(run, _pages_of(pid) - {(run, pid)})
            if is_ours and b"resource_tracker" not in _content(f"{pid}/cmdline"):
                yield pid


def _is_forked_by(run: str, pages: Collection[tuple[str, int]]) -> bool:
    """Return whether a process with these pages was forked by a worker of a run.

    A worker may serve several runs at once. What it forks then has the pages of all of them, and
    ends with the last of these.
    """
    others = [page for page in pages if page[0] != run]
    return len(others) < len(pages) and not any(page in _pages_of(page[1]) for page in others)


def _pages_of(pid: int) -> set[tuple[str, int]]:
    """Return the runs of which a process has a page, with the process that made it."""
    with suppress(OSError):  # as above
        return {(run.decode(), int(owner)) for run, owner in _PAGE.findall(_content(f"{pid}/maps"))}
    return set()


def _content(name: str) -> bytes:
    with open(f"/proc/{name}", "rb") as file:
        return file.read()
