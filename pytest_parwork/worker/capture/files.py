"""The output files of the workers of a run, and what dead workers have left in them."""

from __future__ import annotations

from contextlib import suppress

from ...machine.system import os
from ...model.output import Output
from ...transport.files import Files
from ...transport.records import release_region
from .bounds import HALF, clipped
from .descriptors import MARK, mark

#: Up to so many workers, the files have no names; with more, a descriptor each is too many.
MOST_NAMELESS = 66

#: Above so many bytes, the middle of a file, which nobody will see, is freed while a task prints.
LARGE = 1 << 25


class OutputFiles:
    """Two files for each place of a worker, kept for the duration of the run."""

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
        """Return the output of the last task of a dead process, None if it wrote nothing."""
        out, err = (
            next((text for fd in fds if (text := _left(fd, mark(pid)))), "")
            for fds in zip(*self._fds, strict=True)
        )
        return Output(out, err) if out or err else None

    def trim(self) -> None:
        """Free the memory of excessive output, except for its beginning and its end."""
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
    """Return the text between a mark and the next one; both are near an end of the file."""
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
