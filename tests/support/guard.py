"""A process that outlives pytest, and ends what its tests have left running.

A test that exceeds its deadline ends pytest hard, as SIGKILL does, and fixtures get no turn. This
file is also the program of that process; it needs nothing but the standard library.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress

#: The variable by which a process is known that a test has started, or one that this has started.
MARK = "PARWORK_TESTS"

#: Seconds before the deadline of a test in which its processes are looked up: afterwards, when
#: pytest has exited, their parents are unknown.
LOOK = 1.0

#: Seconds that the processes of a session have to end by themselves when pytest has exited.
GRACE = 5.0

#: How many looks in a row have to find nothing, and the seconds between two.
LOOKS = 3
BETWEEN = 0.1

BEGUN, ENDED = b"+", b"-"


class Guard:
    """The guard of this process; it gives the tests a folder of their own for temporary files."""

    def __init__(self, deadline: float) -> None:
        # What others have there, such as another run of the tests, is not seen by these.
        self.folder = tempfile.mkdtemp(prefix="tests-")
        reading, self._writing = os.pipe()
        arguments = [str(os.getpid()), str(reading), str(deadline - LOOK), self.folder]
        subprocess.run(
            [sys.executable, "-I", "-S", __file__, *arguments],
            pass_fds=[reading],
            env={name: value for name, value in os.environ.items() if name != MARK},
            check=True,
        )
        os.close(reading)
        os.environ[MARK] = self.folder

    def begin(self) -> None:
        """Note that a test begins."""
        os.write(self._writing, BEGUN)

    def end(self) -> None:
        """Note that the test has ended."""
        os.write(self._writing, ENDED)

    def close(self) -> None:
        os.close(self._writing)


def main(pid: int, reading: int, seconds: float, folder: str) -> None:
    """Wait for the end of a process, and end what it leaves.

    The guard is no child of it: tests look at these.
    """
    ended = os.pidfd_open(pid)
    if os.fork():
        os._exit(0)
    os.setsid()
    for fd in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), fd)
    started = watch(ended, reading, pid, seconds)
    until = time.monotonic() + GRACE
    while time.monotonic() < until and list(marked(folder)):
        time.sleep(BETWEEN)
    calm = 0
    while calm < LOOKS:
        left = [*(one for one in started if one in born(one[0])), *marked(folder)]
        for found, _ in left:
            with suppress(OSError):
                os.kill(found, signal.SIGKILL)
        calm = 0 if left else calm + 1
        time.sleep(BETWEEN)
    shutil.rmtree(folder, ignore_errors=True)


def watch(ended: int, reading: int, pid: int, seconds: float) -> list[tuple[int, str]]:
    """Return the descendants that a process had in its last test, if that ran into its deadline."""
    poll = select.poll()
    for fd in (ended, reading):
        poll.register(fd, select.POLLIN)
    until: float | None = None
    started: list[tuple[int, str]] = []
    while True:
        wait = None if until is None else max(0.0, until - time.monotonic()) * 1000
        ready = dict(poll.poll(wait))
        if ended in ready:
            return started
        if reading in ready:
            if not (notes := os.read(reading, 4096)):
                poll.unregister(reading)
            until = time.monotonic() + seconds if notes.endswith(BEGUN) else None
            started = []
        elif not ready:
            started = list(descendants(pid))
            until = None


def descendants(pid: int) -> Iterator[tuple[int, str]]:
    """Yield all processes that this one has started, or one of these, with their time of birth."""
    todo = [pid]
    while todo:
        parent = todo.pop()
        with suppress(OSError):
            for thread in os.listdir(f"/proc/{parent}/task"):
                with suppress(OSError), open(f"/proc/{parent}/task/{thread}/children") as file:
                    for child in map(int, file.read().split()):
                        todo.append(child)
                        yield from born(child)


def born(pid: int) -> list[tuple[int, str]]:
    """Return a living process with its time of birth: an id may be used again, see proc(5)."""
    with suppress(OSError), open(f"/proc/{pid}/stat", errors="replace") as file:
        state, *fields = file.read().rpartition(")")[2].split()
        if state not in "ZX":
            return [(pid, fields[18])]
    return []


def marked(mark: str) -> Iterator[tuple[int, str]]:
    """Yield the living processes that were started with this mark."""
    entry = f"{MARK}={mark}".encode()
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            with suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:
                if entry in file.read().split(b"\0"):
                    yield from born(int(name))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
