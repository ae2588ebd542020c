"""Records of pickles and large buffers in files: the spools that keep outcomes, the payload."""

from __future__ import annotations

import mmap
import os
import pickle
import struct
import sys
import time
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any
from zlib import crc32

from ..machine.clock import now
from ..machine.process_groups import born, lives
from ..model.errors import PayloadError
from .pickling import load

__all__ = [
    "Buffer",
    "Spool",
    "is_in_band",
    "is_whole",
    "length_at",
    "owner_of",
    "read_record",
    "release_region",
    "write_record",
]

#: Buffers inside a record start at such an address: what vector instructions want.
ALIGNMENT = 64

#: Records below this many bytes are copied: a mapping holds a descriptor (until Python 3.13) for as
#: long as the value lives, and a thousand are all that a process usually has.
WORTH_MAPPING = 1 << 20

#: Regions of a spool below this many bytes are not worth a system call to give back.
WORTH_RELEASING = 1 << 20

#: Bytes of a spool that its worker has mapped at a time.
WINDOW = 1 << 20

#: Records up to so many bytes are copied into the window, which spares a task the way into the
#: system: 0.3 µs in place of 1.2. From about 4,000 on, the pages take longer to be mapped.
WORTH_COPYING = 1 << 11

#: The head of a spool: process id of the worker that has it, 0 for none, and when that was born.
OWNER = struct.Struct("=qq")

#: Seconds for which other processes may be claiming the same spool; it takes less than one of them.
CLAIMING = 5.0
GLANCE = 0.001

#: The words of a record without buffers, which is what nearly all are.
_IN_BAND = struct.Struct("=QQ")

#: The bits of the first word of a record that count its buffers; above them is the checksum.
_BUFFERS = (1 << 32) - 1

#: What is said of a record that is not what was written.
DAMAGED = "what was stored of it has been overwritten"

Buffer = Any  # bytes, bytearray, memoryview: collections.abc.Buffer comes with Python 3.12


class Spool:
    """The file to which one worker appends its outcomes."""

    def __init__(self, number: int, fd: int) -> None:
        self.number = number
        self._fd = fd
        self._end = os.fstat(fd).st_size  # behind all that a predecessor can have written
        self._window: mmap.mmap | None = None
        self._start = self._stop = 0  # of the window
        self._move_window()  # now, because a task may limit what its process can map

    @classmethod
    def claim(cls, paths: Sequence[str]) -> Spool:
        """Take the first spool that no living worker has.

        A successor continues where a dead worker stopped. Who has a spool is written into it: a
        lock that is held for as long would be held by what the worker forks, too.
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
            time.sleep(GLANCE)

    def append(self, data: bytes, buffers: Sequence[pickle.PickleBuffer]) -> tuple[int, int]:
        """Put one record into the file; return its offset and length.

        What is in the mapped window is in the file: a buffer of this process would take finished
        outcomes with it when the process dies.
        """
        offset = self._end
        length = _IN_BAND.size + len(data)
        if not buffers and length <= WORTH_COPYING:
            end = offset + length
            if end <= self._stop or self._move_window():
                assert self._window is not None
                at = offset - self._start
                _IN_BAND.pack_into(self._window, at, *_words_of(data))
                self._window[at + _IN_BAND.size : at + length] = data
                self._end = end
                return offset, length
        return offset, write_record(self._write, offset, data, buffers)

    def _move_window(self) -> bool:
        """Map what comes next, False where that cannot be: the task has set a limit, say."""
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
        """Give the spool back."""
        if self._window is not None:
            self._window.close()
        os.pwrite(self._fd, bytes(OWNER.size), 0)
        os.close(self._fd)


def owner_of(fd: int) -> int:
    """Return the process id of the living worker that has a spool, 0 if none has."""
    owner = os.pread(fd, OWNER.size, 0)
    if len(owner) < OWNER.size or not lives(*OWNER.unpack(owner)):
        return 0
    return int(OWNER.unpack(owner)[0])


class Taken(Enum):
    """What became of an attempt to take a spool: `LOCKED` while another process makes one."""

    BY_US = 1
    BY_ANOTHER = 2
    LOCKED = 3


def _take(path: str, fd: int) -> Taken:
    """Write this process into the head of a spool, unless one that lives is there."""
    import fcntl  # POSIX only, as are the backends that need a spool

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


def write_record(
    write: Callable[[Buffer], None],
    offset: int,
    data: bytes,
    buffers: Sequence[pickle.PickleBuffer],
    known: dict[tuple[int, int], tuple[int, Buffer]] | None = None,
) -> int:
    """Write a pickle and its out-of-band buffers as one record; return its length in bytes.

    A record is words of 8 bytes (the number of buffers with the checksum of the pickle, for each
    buffer its start and length, the length of the pickle), the pickle, the buffers. Starts are
    offsets in the file, aligned. Buffers that `known` holds already are referred to, not written
    again; new ones are added to it.
    """
    if not buffers and len(data) < WORTH_RELEASING:
        write(_IN_BAND.pack(*_words_of(data)) + data)  # one system call
        return _IN_BAND.size + len(data)
    index = [_words_of(data, buffers=len(buffers))[0]]
    new: list[tuple[int, Buffer]] = []
    end = offset + 8 * (2 + 2 * len(buffers)) + len(data)
    for buffer in buffers:
        view = buffer.raw()
        key = (id(view.obj), view.nbytes)
        if known is not None and key in known:
            start = known[key][0]
        else:
            start = end + -end % ALIGNMENT
            end = start + view.nbytes
            new.append((start, view))
            if known is not None:
                known[key] = (start, view)  # the view keeps the object, and with it the id, alive
        index += [start, view.nbytes]
    index.append(len(data))
    head = b"".join(word.to_bytes(8, sys.byteorder) for word in index)
    at = offset + len(head) + len(data)
    write(head)
    write(data)  # no copy
    for start, view in new:
        if start > at:
            write(bytes(start - at))
        write(view)
        at = start + view.nbytes
    return end - offset


def _words_of(data: bytes, *, buffers: int = 0) -> tuple[int, int]:
    """Return the first word of a record and the last one before the pickle."""
    return crc32(data) << 32 | buffers, len(data)


def read_record(fd: int, offset: int, length: int) -> object:
    """Load a record; its buffers are views of a private, writable mapping, if it is large.

    Raises `PayloadError` where it is not what was written.
    """
    if length < WORTH_MAPPING:  # one system call
        record = memoryview(os.pread(fd, length, offset))
        word = _first_word(record)
        if not word & _BUFFERS:
            return load(_checked(record[_IN_BAND.size :], word))
    word = _first_word(os.pread(fd, 8, offset))
    count = word & _BUFFERS
    if not count:
        record = memoryview(os.pread(fd, length, offset))
        return load(_checked(record[_IN_BAND.size :], word))
    head = os.pread(fd, 8 * (2 + 2 * count), offset)
    index = memoryview(head).cast("Q")
    data = _checked(os.pread(fd, index[-1], offset + len(head)), word)
    places = [(index[word], index[word + 1]) for word in range(1, 2 * count, 2)]
    first = min(start for start, _ in places)
    first -= first % mmap.ALLOCATIONGRANULARITY
    stop = max(start + size for start, size in places)
    if stop - first < WORTH_MAPPING:
        view = memoryview(bytearray(os.pread(fd, stop - first, first)))
    else:
        view = memoryview(mmap.mmap(fd, stop - first, access=mmap.ACCESS_COPY, offset=first))
    return load(
        data, buffers=[view[start - first : start - first + size] for start, size in places]
    )


def is_whole(fd: int, offset: int, length: int) -> bool:
    """Return whether the pickle of a record is what was written."""
    try:
        word = _first_word(os.pread(fd, 8, offset))
        head = 8 * (2 + 2 * (word & _BUFFERS))
        size = int.from_bytes(os.pread(fd, 8, offset + head - 8), sys.byteorder)
        _checked(os.pread(fd, min(size, length), offset + head), word)
    except (OSError, OverflowError, PayloadError):
        return False
    return size > 0  # no pickle is empty


def _first_word(record: Buffer) -> int:
    if len(record) < 8:
        raise PayloadError(DAMAGED)
    return int.from_bytes(record[:8], sys.byteorder)


def _checked(data: Buffer, word: int) -> Buffer:
    if crc32(data) != word >> 32:
        raise PayloadError(DAMAGED)
    return data


def length_at(fd: int, offset: int) -> int:
    """Return the length of a record without buffers, of which only the start is known."""
    return _IN_BAND.size + int(_IN_BAND.unpack(os.pread(fd, _IN_BAND.size, offset))[1])


def is_in_band(fd: int, offset: int) -> bool:
    """Return whether a record is all pickle: what was loaded needs its file no more."""
    return not int.from_bytes(os.pread(fd, 8, offset), sys.byteorder) & _BUFFERS


def release_region(fd: int, offset: int, length: int) -> None:
    """Give the memory of a region back to the system; it reads as zeros from then on."""
    if length < WORTH_RELEASING or not hasattr(mmap, "MADV_REMOVE"):
        return
    page = mmap.PAGESIZE
    start = offset + -offset % page
    stop = (offset + length) - (offset + length) % page
    with mmap.mmap(fd, stop) as mapping:
        mapping.madvise(mmap.MADV_REMOVE, start, stop - start)
