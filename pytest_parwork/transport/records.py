"""Records of pickles and large buffers in files, as spools and the payload hold them."""

from __future__ import annotations

import pickle
import struct
import sys
from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

from ..machine.system import mmap, os
from ..model.errors import PayloadError
from .pickling import load

#: Alignment in bytes of buffers inside a record, as vector instructions need it.
ALIGNMENT = 64

#: Records of fewer bytes are copied: a mapping holds a descriptor (until Python 3.13) while the
#: value lives, and a process usually has only a thousand.
WORTH_MAPPING = 1 << 20

#: Regions of fewer bytes in a file are not worth a system call to release them.
WORTH_RELEASING = 1 << 20

#: The words of a record without buffers, as nearly all are.
IN_BAND = struct.Struct("=QQ")

#: The bits of the first word of a record that count its buffers; above them is the checksum.
_BUFFERS = (1 << 32) - 1

#: The error of a record that has changed since it was written.
DAMAGED = "its stored record has been overwritten"

Buffer = Any  # bytes, bytearray, memoryview: collections.abc.Buffer comes with Python 3.12


def write_record(
    write: Callable[[Buffer], object],
    offset: int,
    data: bytes,
    buffers: Sequence[pickle.PickleBuffer],
    known: dict[tuple[int, int], tuple[int, Buffer]] | None = None,
) -> int:
    """Write a pickle and its out-of-band buffers as one record; return its length in bytes.

    A record consists of words of 8 bytes (the number of buffers with the checksum of the pickle,
    for each buffer its start and length, the length of the pickle), the pickle, and the buffers.
    Starts are offsets in the file, aligned. Buffers that are in `known` already are not written
    again, but referred to; new ones are added to it.
    """
    if not buffers and len(data) < WORTH_RELEASING:
        write(IN_BAND.pack(*words_of(data)) + data)  # one system call
        return IN_BAND.size + len(data)
    index = [words_of(data, buffers=len(buffers))[0]]
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


def words_of(data: bytes, *, buffers: int = 0) -> tuple[int, int]:
    """Return the first word of a record and the last one before the pickle."""
    return crc32(data) << 32 | buffers, len(data)


def read_record(fd: int, offset: int, length: int, load: Callable[..., object] = load) -> object:
    """Load a record; its buffers are views of a private, writable mapping, if it is large.

    Raises `PayloadError` if the record has changed since it was written.
    """
    if length < WORTH_MAPPING:  # one system call
        record = memoryview(_read(fd, length, offset))
        word = _first_word(record)
        if not word & _BUFFERS:
            return load(_checked(record[IN_BAND.size :], word))
    word = _first_word(os.pread(fd, 8, offset))
    count = word & _BUFFERS
    if not count:
        record = memoryview(_read(fd, length, offset))
        return load(_checked(record[IN_BAND.size :], word))
    head = _read(fd, 8 * (2 + 2 * count), offset)
    index = memoryview(head).cast("Q")
    data = _checked(_read(fd, index[-1], offset + len(head)), word)
    places = [(index[word], index[word + 1]) for word in range(1, 2 * count, 2)]
    first = min(start for start, _ in places)
    first -= first % mmap.ALLOCATIONGRANULARITY
    stop = max(start + size for start, size in places)
    if stop - first < WORTH_MAPPING:
        view = memoryview(bytearray(_read(fd, stop - first, first)))
    else:
        view = memoryview(mmap.mmap(fd, stop - first, access=mmap.ACCESS_COPY, offset=first))
    return load(
        data, buffers=[view[start - first : start - first + size] for start, size in places]
    )


def is_whole(fd: int, offset: int, length: int) -> bool:
    """Return whether the pickle of a record is unchanged."""
    try:
        word = _first_word(os.pread(fd, 8, offset))
        head = 8 * (2 + 2 * (word & _BUFFERS))
        size = int.from_bytes(os.pread(fd, 8, offset + head - 8), sys.byteorder)
        _checked(_read(fd, min(size, length), offset + head), word)
    except (OSError, OverflowError, PayloadError):
        return False
    return size > 0  # no pickle is empty


def _read(fd: int, length: int, offset: int) -> bytes:
    """Read so many bytes, fewer only at the end of the file.

    Linux reads at most 0x7ffff000 bytes (2 GiB) at a time.
    """
    data = os.pread(fd, length, offset)
    if len(data) == length:
        return data
    parts = [data]
    while parts[-1] and (missing := length - sum(map(len, parts))):
        parts.append(os.pread(fd, missing, offset + length - missing))
    return b"".join(parts)


def _first_word(record: Buffer) -> int:
    if len(record) < 8:
        raise PayloadError(DAMAGED)
    return int.from_bytes(record[:8], sys.byteorder)


def _checked(data: Buffer, word: int) -> Buffer:
    if crc32(data) != word >> 32:
        raise PayloadError(DAMAGED)
    return data


def length_at(fd: int, offset: int) -> int:
    """Return the length of a record without buffers that starts at `offset`."""
    return IN_BAND.size + int(IN_BAND.unpack(os.pread(fd, IN_BAND.size, offset))[1])


def is_in_band(fd: int, offset: int) -> bool:
    """Return whether a record has no buffers, so that a loaded value does not need the file."""
    return not int.from_bytes(os.pread(fd, 8, offset), sys.byteorder) & _BUFFERS


def release_region(fd: int, offset: int, length: int) -> None:
    """Release the memory of a region to the system; it reads as zeros from then on."""
    if length < WORTH_RELEASING or not hasattr(mmap, "MADV_REMOVE"):
        return
    page = mmap.PAGESIZE
    start = offset + -offset % page
    stop = (offset + length) - (offset + length) % page
    with mmap.mmap(fd, stop) as mapping:
        mapping.madvise(mmap.MADV_REMOVE, start, stop - start)
