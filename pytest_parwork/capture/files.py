"""The files that the workers of a run write their output to, and what the dead have left there."""

from __future__ import annotations

import mmap
import os

from ..ledger import Files
from ..output import Output
from .bounds import clipped
from .descriptors import mark

__all__ = ["OutputFiles"]

#: Places for workers above which the files have names: a descriptor each is too many.
MOST_NAMELESS = 66


class OutputFiles:
    """Two files for each place of a worker, which are there as long as the run goes on."""

    def __init__(self, places: int) -> None:
        self._files = Files(is_named=places > MOST_NAMELESS)
        self.paths = tuple(
            (self._create(f"stdout-{place}"), self._create(f"stderr-{place}"))
            for place in range(places)
        )

    def _create(self, name: str) -> str:
        _, path = self._files.create(name)
        return path

    def left_by(self, pid: int) -> Output | None:
        """Return what a process that has died wrote during its last task, None if nothing."""
        out, err = (
            next((text for path in paths if (text := _left(path, pid))), "")
            for paths in zip(*self.paths, strict=True)
        )
        return Output(out, err) if out or err else None

    def close(self) -> None:
        """Remove the files."""
        self._files.close()


def _left(path: str, pid: int) -> str:
    fd = os.open(path, os.O_RDONLY)
    try:
        size = os.lseek(fd, 0, os.SEEK_END)
        if not size:
            return ""
        own = mark(pid)
        with mmap.mmap(fd, 0, access=mmap.ACCESS_READ) as content:
            found = content.rfind(own)
            if found < 0:
                return ""
            start = found + len(own)
            after = content.find(own[:9], start)  # its successor
            return clipped(
                lambda length, at: content[start + at : start + at + length],
                (size if after < 0 else after) - start,
            )
    finally:
        os.close(fd)
