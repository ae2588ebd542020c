"""The processes that tasks start on a cluster: they end with the run, and their workers do not."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from mmap import mmap
from signal import SIGKILL
from typing import NamedTuple

from ..machine.clock import sleep
from ..machine.marks import PAGE, named_page
from ..machine.system import os

#: The variable in programs that are started during a run; it is not in `os.environ`.
VARIABLE = "PARWORK_RUN"

#: How often is looked for processes, which may start others meanwhile; the seconds between.
LOOKS = 20
BETWEEN = 0.01

#: What pages are named after: a run, or one that pytest has left while tasks of it still run.
RUN, REST = "run", "rest"

#: A page in the list of mappings of a process: which it is, the run, the process that made it.
_PAGE = re.compile(rf"/memfd:{PAGE}({RUN}|{REST})-(.+)-(\d+)".encode())


class Page(NamedTuple):
    """A page of memory that marks a process: `owner` is the process that made it."""

    kind: str
    run: str
    owner: int


class Children:
    """Marks what is started in this process until it is closed, as `machine.marks` does.

    The name of the page has the id of this process, which has the page itself.
    """

    _open: list[str] = []  # noqa: RUF012, the runs of this process that are not closed

    def __init__(self, run: str) -> None:
        self._run = run
        self._page = _new_page(RUN, run)
        self._open.append(run)
        os.putenv(VARIABLE, run)

    def outlive_run(self) -> None:
        """Go on for tasks that still run, though the run is over: its page protects nothing now."""
        page, self._page = self._page, _new_page(REST, self._run)
        if page is not None:
            page.close()

    def close(self) -> None:
        """Stop marking; what is started from now on belongs to the other runs, if there are any."""
        self._open.remove(self._run)
        if self._open:
            os.putenv(VARIABLE, self._open[-1])
        else:
            os.unsetenv(VARIABLE)
        if self._page is not None:
            self._page.close()


def _new_page(kind: str, run: str) -> mmap | None:
    with suppress(OSError):  # no memory: what is forked is not found
        if hasattr(os, "memfd_create"):
            return named_page(f"{PAGE}{kind}-{run}-{os.getpid()}")
    return None


def end_children(run: str, *, threads: Iterable[int] | None = None) -> None:
    """Kill what tasks of a run have started on this host, in dead workers, too.

    With `threads`, only what these threads of this process have started themselves. Resource
    trackers are spared: their worker needs them, and they exit with it.
    """
    for _ in range(LOOKS):
        found = list(_marked(run, _all() if threads is None else _started_by(threads)))
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


def _all() -> list[int]:
    if not os.path.isdir("/proc/self"):
        return []
    return list(map(int, filter(str.isdigit, os.listdir("/proc"))))


def _marked(run: str, pids: Iterable[int]) -> Iterator[int]:
    variable = f"{VARIABLE}={run}".encode()
    for pid in pids:
        with suppress(OSError):  # it exits meanwhile, or belongs to another user
            is_started = variable in _content(f"{pid}/environ").split(b"\0")
            is_ours = is_started or _is_forked_by(run, _pages_of(pid), pid)
            if is_ours and b"resource_tracker" not in _content(f"{pid}/cmdline"):
                yield pid


def _is_forked_by(run: str, pages: Collection[Page], pid: int) -> bool:
    """Return whether a process with these pages was forked by a worker of a run.

    A worker may serve several runs at once. What it forks then has the pages of all of them, and
    ends with the last of these.
    """
    if not any(page.run == run and page.owner != pid for page in pages):
        return False
    others = (page for page in pages if page.run != run and page.kind == RUN)
    return not any(page in _pages_of(page.owner) for page in others)


def _pages_of(pid: int) -> set[Page]:
    with suppress(OSError):  # as above
        found = _PAGE.findall(_content(f"{pid}/maps"))
        return {Page(kind.decode(), run.decode(), int(owner)) for kind, run, owner in found}
    return set()


def _content(name: str) -> bytes:
    with open(f"/proc/{name}", "rb") as file:
        return file.read()
