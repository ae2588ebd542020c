"""The files that the workers of a run write their output to, and what the dead have left there."""

from __future__ import annotations

import os
from contextlib import suppress

from ...model.output import Output
from ...transport.ledger import Files
from ...transport.spool import release_region
from .bounds import HALF, clipped
from .descriptors import MARK, mark

__all__ = ["OutputFiles"]

#: Places for workers above which the files have names: a descriptor each is too many.
MOST_NAMELESS = 66

#: Bytes of a file above which what nobody will see is given up while a task still prints.
LARGE = 1 << 25


class OutputFiles:
    """Two files for each place of a worker, which are there as long as the run goes on."""

    def __init__(self, places: int) -> None:
        self._files = Files(is_named=places > MOST_NAMELESS)
        try:
            made = [
                (self._files.create(f"stdout-{place}"), self._files.create(f"stderr-{place}"))
                for place in range(places)
            ]
        except BaseException:  # of too few descriptors, say, none is kept
            self._files.close()
            raise
        self.paths = tuple((out, err) for (_, out), (_, err) in made)
        self._fds = tuple((out, err) for (out, _), (err, _) in made)

    def left_by(self, pid: int) -> Output | None:
        """Return what a process that has died wrote during its last task, None if nothing."""
        out, err = (
            next((text for fd in fds if (text := _left(fd, mark(pid)))), "")
            for fds in zip(*self._fds, strict=True)
        )
        return Output(out, err) if out or err else None

    def trim(self) -> None:
        """Give the memory back of what is printed without end, but for its beginning and end."""
        for fds in self._fds:
            for fd in fds:
                size = os.lseek(fd, 0, os.SEEK_END)
                if size > LARGE:
                    with suppress(OSError, ValueError):  # not on every file system; it shrank
                        release_region(fd, 2 * HALF, size - 4 * HALF)

    def close(self) -> None:
        """Remove the files."""
        self._files.close()


def _left(fd: int, own: bytes) -> str:
    """Return what stands behind a mark, up to the next; both are near one end of the file."""
    size = os.lseek(fd, 0, os.SEEK_END)
    head, tail = os.pread(fd, 2 * HALF, 0), os.pread(fd, 2 * HALF, max(0, size - 2 * HALF))
    start, at = head.rfind(own), 0
    if start < 0:
        start, at = tail.rfind(own), size - len(tail)
    if start < 0:
        return ""
    start += at + len(own)
    ends = (head.find(MARK, start), tail.find(MARK, max(0, start - size + len(tail))))
    after = [end + at for end, at in zip(ends, (0, size - len(tail)), strict=True) if end >= 0]
    stop = min(after, default=size)
    return clipped(lambda length, at: os.pread(fd, length, start + at), stop - start)
