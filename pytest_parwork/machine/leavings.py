"""The removal of what a session has left behind: processes, semaphores and folders.

Run as a program, this module waits for the exit of the process that started it, and then cleans up
what that process had no time to clean up.
"""

from __future__ import annotations

import os
import select
import signal
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from .process_groups import births, stat_of

#: The variables that `marks` sets. Importing it would take longer than all the rest of this module.
SESSION, WORKER = b"PARWORK_SESSION=", b"PARWORK_WORKER="

#: Seconds that killed processes have to exit, with those started meanwhile: where somebody waits
#: for it, and where nobody does.
DYING = 2.0
DYING_ALONE = 20.0

#: Seconds that a resource tracker has to remove what its processes have left.
TRACKING = 2.0

#: How many checks in a row have to find nothing where nobody waits, and the seconds between two. A
#: process has no mark for the moment in which it starts to run another program.
LOOKS = 3
BETWEEN = 0.05

#: Seconds between two checks of processes that are exiting.
SOON = 0.01

#: Seconds between two checks of the parent, where the system does not report its exit.
GLANCE = 0.2

#: The record that marks the end of the session, after those of all workers.
END = bytes(16)

#: Where Linux keeps semaphores, and joblib its folders.
SHARED = "/dev/shm"


class Leavings:
    """What the session in process `pid` has left behind.

    No dataclass: every session starts this program, which would take longer to import those than to
    do all the rest.

    `registry` is the descriptor of its list of workers, `token` the token in its marks. `session`
    is the system's session id of its process. `born` is its start time in ticks, `since` the same
    in seconds, to compare with the times of files. `folders` are those for temporary files.
    """

    def __init__(
        self,
        *,
        registry: int,
        pid: int,
        session: int,
        born: int,
        since: float,
        token: str,
        folders: tuple[str, ...],
    ) -> None:
        self.registry, self.pid, self.session = registry, pid, session
        self.born, self.since = born, since
        self.token, self.folders = token, folders

    def note_end(self) -> None:
        """Record that the session ended normally: what its own process has left is kept."""
        os.pwrite(self.registry, END, os.fstat(self.registry).st_size)

    def has_ended(self) -> bool:
        """Return whether that was recorded."""
        size = os.fstat(self.registry).st_size  # 0 where no worker has enrolled
        return os.pread(self.registry, len(END), max(0, size - len(END))) == END

    def end_workers(self) -> None:
        """Kill the process groups of all workers, and whatever else they have started."""
        self._end((WORKER,), f"/memfd:parwork-workers-{self.token}", looks=1, dying=DYING)

    def end_all(self) -> None:
        """Kill everything that was started for cases, after the session's process has exited."""
        self._end((SESSION, WORKER), self.token, looks=LOOKS, dying=DYING_ALONE)

    def remove_files(self) -> None:
        """Remove files and folders with the token in their name or inside, or named by our pids.

        The latter are joblib's. Others may write to the same folders: only files that we own are
        removed, and no link is followed.
        """
        own = ("parwork-", "sem.parwork-")
        # Their trackers have removed them, unless they were killed together with pytest.
        tracked = tuple(
            f"{kind}{pid}{end}"
            for pid in (self.pid, *self._births())
            for kind, end in (("joblib_memmapping_folder_", "_"), ("sem.loky-", "-"))
        )
        for folder in {SHARED, *self.folders}:
            for name in _names(folder):
                path = os.path.join(folder, name)
                if (
                    (self.token in name and name.startswith(own))
                    or (name.startswith(tracked) and _is_since(path, self.since))
                    or os.path.lexists(os.path.join(path, f"parwork-{self.token}"))
                ):
                    _remove(path)

    def _end(self, variables: tuple[bytes, ...], page: str, *, looks: int, dying: float) -> None:
        """Kill the processes with these marks; resource trackers only if they do not exit."""
        marks = (variables, page.encode())
        trackers = _kill(lambda: self._left(*marks), _is_tracker, looks=looks, dying=dying)
        until = time.monotonic() + TRACKING
        while trackers and time.monotonic() < until:
            time.sleep(SOON)
            trackers = list(self._left(*marks))
        if trackers:
            _kill(lambda: self._left(*marks), lambda _: False, looks=1, dying=dying)

    def _left(self, variables: tuple[bytes, ...], page: bytes) -> Iterator[int]:
        born = self._births()
        if not os.path.isdir("/proc/self"):
            for pid in born:
                with suppress(OSError):
                    os.killpg(pid, signal.SIGKILL)
            return
        for name in os.listdir("/proc"):
            if not name.isdigit() or int(name) in (os.getpid(), self.pid):
                continue
            with suppress(OSError):  # it may exit meanwhile, or belong to another user
                fields = stat_of(int(name))
                if (
                    (fields[0] not in "ZX" or int(fields[17]) > 1)  # it has other threads
                    and int(fields[19]) >= self.born
                    and (
                        self._is_in_group(fields, born)
                        or self._has_variable(name, variables)
                        or page in _content(name, "maps")
                    )
                ):
                    yield int(name)

    def _is_in_group(self, fields: list[str], born: Mapping[int, int]) -> bool:
        """Return whether a process is in the process group of a worker.

        The system may have reused an id since: only a process of our session that is younger than
        the worker is a descendant of it.
        """
        group = int(fields[2])
        return group in born and int(fields[3]) == self.session and int(fields[19]) >= born[group]

    def _has_variable(self, name: str, variables: tuple[bytes, ...]) -> bool:
        token = self.token.encode()
        return any(
            token in entry and entry.startswith(variables)
            for entry in _content(name, "environ").split(b"\0")
        )

    def _births(self) -> Mapping[int, int]:
        """Return the start time of each enrolled worker, in ticks."""
        return births(self.registry)


def _kill(
    left: Callable[[], Iterable[int]],
    is_spared: Callable[[int], bool],
    *,
    looks: int,
    dying: float,
) -> list[int]:
    """Kill what is left until `looks` checks in a row find nothing; return the spared processes."""
    until = time.monotonic() + dying
    calm = 0
    while True:
        found = list(left())
        spared = list(filter(is_spared, found))
        for pid in found:
            if pid not in spared:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        calm = calm + 1 if len(spared) == len(found) else 0
        if calm >= looks or time.monotonic() > until:
            return spared
        time.sleep(BETWEEN if calm else SOON)


def _is_tracker(pid: int) -> bool:
    """Return whether a process is a resource tracker of multiprocessing, or of loky.

    As soon as the processes that it serves have exited, it removes their semaphores, and exits.
    """
    with suppress(OSError):
        return b"resource_tracker import main" in _content(str(pid), "cmdline")
    return False


def _content(name: str, file: str) -> bytes:
    with open(f"/proc/{name}/{file}", "rb") as opened:
        return opened.read()


def _names(folder: str) -> list[str]:
    with suppress(OSError):
        return os.listdir(folder)
    return []


def _is_since(path: str, moment: float) -> bool:
    """Return whether a file is newer than the session: an earlier process may have had its id."""
    with suppress(OSError):
        return os.lstat(path).st_mtime >= moment
    return False


def _remove(path: str) -> None:
    with suppress(OSError):
        found = os.lstat(path)
        if found.st_uid != os.geteuid():
            return
        if not stat.S_ISDIR(found.st_mode):
            os.unlink(path)
        else:
            import shutil  # here, because it takes as long as everything else in this module

            shutil.rmtree(path)


def main(arguments: Sequence[str]) -> None:
    """Wait for the end of a session, given as the fields of `Leavings`, and clean up after it."""
    *numbers, since, token = arguments[:6]
    registry, parent, session, born = map(int, numbers)
    left = Leavings(
        registry=registry,
        pid=parent,
        session=session,
        born=born,
        since=float(since),
        token=token,
        folders=tuple(arguments[6:]),
    )
    try:
        end = os.pidfd_open(parent)
        while os.getppid() == parent and not select.select([end], [], [], 60.0)[0]:
            pass
    except (AttributeError, OSError):  # not on Linux, or an old one, or it has exited already
        while os.getppid() == parent:
            time.sleep(GLANCE)
    if left.has_ended():
        left.end_workers()
    else:
        left.end_all()
    left.remove_files()
