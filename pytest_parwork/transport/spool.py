"""The spools of a run: one file per worker, to which it appends its outcomes."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Sequence
from enum import Enum

from ..machine.clock import now, sleep
from ..machine.process_groups import born, lives
from ..machine.system import mmap, os
from .records import IN_BAND, Buffer, words_of, write_record

#: Bytes of a spool that its worker has mapped at a time.
WINDOW = 1 << 20

#: Records up to so many bytes are copied into the window, which saves a system call: 0.3 µs instead
#: of 1.2. From about 4,000 on, mapping the pages takes longer.
WORTH_COPYING = 1 << 11

#: The head of a spool: process id of the worker that has it, 0 for none, and its start time.
OWNER = struct.Struct("=qq")

#: Seconds for which other processes may be claiming the same spool; a claim takes less than one.
CLAIMING = 5.0
GLANCE = 0.001


class Spool:
    """The file to which one worker appends its outcomes."""

    def __init__(self, number: int, fd: int) -> None:
        self.number = number
        self._fd = fd
        self._end = os.fstat(fd).st_size  # after everything that a predecessor can have written
        self._window: mmap.mmap | None = None
        self._start = self._stop = 0  # of the window
        self._move_window()  # now, because a task may limit what its process can map

    @classmethod
    def claim(cls, paths: Sequence[str]) -> Spool:
        """Take the first spool that no living worker has.

        A successor continues where a dead worker stopped. The owner is written into the spool: a
        lock would also be held by processes that the worker forks.
        """
        until = now() + CLAIMING
        while True:
            is_any_locked = False
            for number, path in enumerate(paths):
                fd = os.open(path, os.O_RDWR)
                if (taken := _take(path, fd)) is Taken.BY_US:
                    return cls(number, fd)
                is_any_locked |= taken is Taken.LOCKED
                os.close(fd)
            if not is_any_locked or now() > until:
                raise RuntimeError(
                    f"all {len(paths)} spools are taken: more workers than were asked for"
                )
            sleep(GLANCE)

    def append(self, data: bytes, buffers: Sequence[pickle.PickleBuffer]) -> tuple[int, int]:
        """Append one record to the file; return its offset and length.

        Data in the mapped window are in the file: with a buffer of this process, finished outcomes
        would be lost when the process dies.
        """
        offset = self._end
        length = IN_BAND.size + len(data)
        if not buffers and length <= WORTH_COPYING:
            end = offset + length
            if end <= self._stop or self._move_window():
                assert self._window is not None
                at = offset - self._start
                IN_BAND.pack_into(self._window, at, *words_of(data))
                self._window[at + IN_BAND.size : at + length] = data
                self._end = end
                return offset, length
        return offset, write_record(self._write, offset, data, buffers)

    def _move_window(self) -> bool:
        """Map the next part; return False if that fails, for example because a task set a limit."""
        start = self._end - self._end % mmap.ALLOCATIONGRANULARITY
        try:
            os.ftruncate(self._fd, start + WINDOW)
            self._window = mmap.mmap(self._fd, WINDOW, offset=start)
        except OSError:
            return False
        self._start, self._stop = start, start + WINDOW
        return True

    def _write(self, chunk: Buffer) -> None:
        view = memoryview(chunk)
        while view.nbytes:
            written = os.pwrite(self._fd, view, self._end)
            self._end += written
            view = view[written:]

    def close(self) -> None:
        """Release the spool."""
        if self._window is not None:
            self._window.close()
        os.pwrite(self._fd, bytes(OWNER.size), 0)
        os.close(self._fd)


def was_taken(fd: int) -> bool:
    """Return whether a worker, which may be dead, has taken the spool with this descriptor."""
    return any(os.pread(fd, OWNER.size, 0))


def owner_of(fd: int) -> int:
    """Return the process id of the living worker that has a spool, 0 if none has."""
    owner = os.pread(fd, OWNER.size, 0)
    if len(owner) < OWNER.size or not lives(*OWNER.unpack(owner)):
        return 0
    return int(OWNER.unpack(owner)[0])


class Taken(Enum):
    """The result of an attempt to take a spool: `LOCKED` while another process makes one."""

    BY_US = 1
    BY_ANOTHER = 2
    LOCKED = 3


def _take(path: str, fd: int) -> Taken:
    """Write this process into the head of a spool, unless a living process has it."""
    import fcntl  # POSIX only, like the backends that need a spool

    lock = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if owner_of(fd):
            return Taken.BY_ANOTHER
        os.pwrite(fd, OWNER.pack(os.getpid(), born(os.getpid())), 0)
        return Taken.BY_US
    except BlockingIOError:
        return Taken.LOCKED
    finally:
        os.close(lock)
