"""The shared table of a run and the spools that keep its outcomes.

One row a task, 64 bytes: state, worker, three times, the place of the outcome. Single 8-byte
stores, the state last: `struct.pack_into` clears a row first, and readers then see zeros.
"""

from __future__ import annotations

import mmap
import os
import pickle
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal

__all__ = [
    "Buffer",
    "Files",
    "Kind",
    "Ledger",
    "Spool",
    "State",
    "read_record",
    "release_region",
    "write_record",
]

_WORDS = 8  # of 8 bytes each: a row, and the header before the rows
_STATE, _WORKER, _ARRIVED, _STARTED, _ENDED, _SPOOL, _OFFSET, _LENGTH = range(_WORDS)
_RELEASED = 0  # word of the header

Kind = Literal["value", "failure", "skip"]
_KINDS: tuple[Kind, ...] = ("value", "failure", "skip")

#: Buffers inside a record start at such an address: what vector instructions want.
ALIGNMENT = 64

#: Records below this many bytes are copied: a mapping holds a descriptor (until Python 3.13) for as
#: long as the value lives, and a thousand are all that a process usually has.
WORTH_MAPPING = 1 << 20

#: Regions of a spool below this many bytes are not worth a system call to give back.
WORTH_RELEASING = 1 << 20

Buffer = Any  # bytes, bytearray, memoryview: collections.abc.Buffer comes with Python 3.12


class State(IntEnum):
    """How far a task has come."""

    PENDING = 0
    ARRIVED = 1
    STARTED = 2
    ENDED = 3
    STORED = 4


class Files:
    """The files of one run, which its workers open by path.

    On Linux they have no name and vanish with this process, however it ends; elsewhere they stand
    in a private directory. Not `multiprocessing.shared_memory`: a process that attaches and exits
    unlinks the block for all.
    """

    def __init__(self) -> None:
        self._fds: list[int] = []
        self._directory: Path | None = None
        if not hasattr(os, "memfd_create"):
            self._directory = Path(tempfile.mkdtemp(prefix="parwork-"))

    def create(self, name: str, size: int = 0) -> tuple[int, str]:
        """Create a file of `size` zero bytes; return its descriptor here and its path for all."""
        if self._directory is None:
            fd = os.memfd_create(f"parwork-{name}", os.MFD_CLOEXEC)
            path = f"/proc/{os.getpid()}/fd/{fd}"
        else:
            path = str(self._directory / name)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._fds.append(fd)
        os.ftruncate(fd, size)
        return fd, path

    def close(self) -> None:
        """Remove the files; what is still mapped stays readable."""
        while self._fds:
            os.close(self._fds.pop())
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)


class Ledger:
    """The table itself, over any writable buffer of `Ledger.size(tasks)` bytes."""

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        view = memoryview(buffer)
        self._words = view.cast("B").cast("Q")
        self._times = view.cast("B").cast("d")

    @staticmethod
    def size(tasks: int) -> int:
        """Return the bytes that a table of `tasks` rows takes."""
        return 8 * _WORDS * (tasks + 1)

    @classmethod
    def open(cls, path: str) -> Ledger:
        """Attach to the table in the file at `path`."""
        fd = os.open(path, os.O_RDWR)
        try:
            return cls(mmap.mmap(fd, 0))
        finally:
            os.close(fd)

    def close(self) -> None:
        """Unmap the file, which costs a descriptor as long as it is mapped."""
        if isinstance(self._buffer, mmap.mmap):
            self._words.release()
            self._times.release()
            self._buffer.close()

    # What a worker says.

    def arrive(self, task: int, worker: int, at: float) -> None:
        """Note that `task` is in the hands of `worker` (a process or thread id)."""
        row = _WORDS * (task + 1)
        self._words[row + _WORKER] = worker
        self._times[row + _ARRIVED] = at
        self._words[row + _STATE] = State.ARRIVED

    def start(self, task: int, at: float) -> None:
        """Note that the function of `task` is called."""
        row = _WORDS * (task + 1)
        self._times[row + _STARTED] = at
        self._words[row + _STATE] = State.STARTED

    def end(self, task: int, at: float) -> None:
        """Note that the function of `task` returned or raised."""
        row = _WORDS * (task + 1)
        self._times[row + _ENDED] = at
        self._words[row + _STATE] = State.ENDED

    def store(self, task: int, kind: Kind, spool: int, offset: int, length: int) -> None:
        """Note what came of `task` and where that is kept."""
        row = _WORDS * (task + 1)
        self._words[row + _SPOOL] = spool << 2 | _KINDS.index(kind)
        self._words[row + _OFFSET] = offset
        self._words[row + _LENGTH] = length
        self._words[row + _STATE] = State.STORED

    @property
    def is_released(self) -> bool:
        """Whether the workers that have arrived may begin."""
        return self._words[_RELEASED] != 0

    # What the runner says and asks.

    def release(self) -> None:
        """Let the workers begin that wait in the rendezvous."""
        self._words[_RELEASED] = 1

    def reset(self, task: int) -> None:
        """Forget all about `task`, so that it can be run again."""
        row = _WORDS * (task + 1)
        for word in range(_WORDS):
            self._words[row + word] = 0

    def state(self, task: int) -> State:
        """Return how far `task` has come."""
        return State(self._words[_WORDS * (task + 1) + _STATE])

    def worker(self, task: int) -> int:
        """Return the process or thread id that took `task`."""
        return self._words[_WORDS * (task + 1) + _WORKER]

    def times(self, task: int) -> tuple[float | None, float | None, float | None]:
        """Return when `task` arrived, started and ended, None for what did not happen."""
        row = _WORDS * (task + 1)
        state = self._words[row + _STATE]
        return (
            self._times[row + _ARRIVED] if state >= State.ARRIVED else None,
            self._times[row + _STARTED] if state >= State.STARTED else None,
            self._times[row + _ENDED] if state >= State.ENDED else None,
        )

    def place(self, task: int) -> tuple[Kind, int, int, int]:
        """Return the kind of the outcome of `task`, and its spool, offset and length there."""
        row = _WORDS * (task + 1)
        spool, offset, length = self._words[row + _SPOOL : row + _LENGTH + 1]
        return _KINDS[spool & 3], spool >> 2, offset, length


class Spool:
    """The file to which one worker appends its outcomes."""

    def __init__(self, number: int, fd: int) -> None:
        self.number = number
        self._fd = fd
        self._end = os.fstat(fd).st_size

    @classmethod
    def claim(cls, paths: Sequence[str]) -> Spool:
        """Take the first spool that no living worker has.

        The lock goes with the process, so that a successor continues where a dead worker stopped.
        """
        import fcntl  # POSIX only, as are the backends that need a spool

        for number, path in enumerate(paths):
            fd = os.open(path, os.O_RDWR | os.O_APPEND)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
            else:
                return cls(number, fd)
        raise RuntimeError(f"all {len(paths)} spools are taken: more workers than were asked for")

    def append(self, data: bytes, buffers: Sequence[pickle.PickleBuffer]) -> tuple[int, int]:
        """Write one record with plain stores; return its offset and length.

        A buffer of this process would take finished outcomes with it when the process dies.
        """
        offset = self._end
        length = write_record(lambda chunk: _write_all(self._fd, chunk), offset, data, buffers)
        self._end += length
        return offset, length

    def close(self) -> None:
        """Give the spool back."""
        os.close(self._fd)


def write_record(
    write: Callable[[Buffer], None],
    offset: int,
    data: bytes,
    buffers: Sequence[pickle.PickleBuffer],
    known: dict[tuple[int, int], tuple[int, Buffer]] | None = None,
) -> int:
    """Write a pickle and its out-of-band buffers as one record; return its length in bytes.

    A record is words of 8 bytes (the number of buffers, for each its start and length, the length
    of the pickle), the pickle, the buffers. Starts are offsets in the file, aligned. Buffers that
    `known` holds already are referred to, not written again; new ones are added to it.
    """
    index = [len(buffers)]
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
    head = b"".join(word.to_bytes(8, sys.byteorder) for word in index) + data
    write(head)
    at = offset + len(head)
    for start, view in new:
        if start > at:
            write(bytes(start - at))
        write(view)
        at = start + view.nbytes
    return end - offset


def read_record(fd: int, offset: int, length: int) -> object:
    """Load a record; its buffers are views of a private, writable mapping, if it is large."""
    count = int.from_bytes(os.pread(fd, 8, offset), sys.byteorder)
    if not count:
        return pickle.loads(memoryview(os.pread(fd, length, offset))[16:])
    head = os.pread(fd, 8 * (2 + 2 * count), offset)
    index = memoryview(head).cast("Q")
    data = os.pread(fd, index[-1], offset + len(head))
    places = [(index[word], index[word + 1]) for word in range(1, 2 * count, 2)]
    first = min(start for start, _ in places)
    first -= first % mmap.ALLOCATIONGRANULARITY
    stop = max(start + size for start, size in places)
    if stop - first < WORTH_MAPPING:
        view = memoryview(bytearray(os.pread(fd, stop - first, first)))
    else:
        view = memoryview(mmap.mmap(fd, stop - first, access=mmap.ACCESS_COPY, offset=first))
    return pickle.loads(
        data, buffers=[view[start - first : start - first + size] for start, size in places]
    )


def release_region(fd: int, offset: int, length: int) -> None:
    """Give the memory of a region back to the system; it reads as zeros from then on."""
    page = mmap.PAGESIZE
    start = offset + -offset % page
    stop = (offset + length) - (offset + length) % page
    if length < WORTH_RELEASING or not hasattr(mmap, "MADV_REMOVE"):
        return
    with mmap.mmap(fd, stop) as mapping:
        mapping.madvise(mmap.MADV_REMOVE, start, stop - start)


def _write_all(fd: int, chunk: Buffer) -> None:
    view = memoryview(chunk)
    while view.nbytes:
        view = view[os.write(fd, view) :]
