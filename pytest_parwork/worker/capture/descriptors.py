"""The standard streams of a worker process, redirected to files at descriptor level."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Literal

from ...machine.system import os
from .bounds import clipped

#: The start of the mark that a process writes into its file before its output.
MARK = b"\0\0parwork "

_NUMBERS = {"stdout": 1, "stderr": 2}


def mark(pid: int) -> bytes:
    """Return the mark of a process."""
    return b"%s%10d\0" % (MARK, pid)


class Stream:
    """One of the two streams, redirected to a file of its own for the life of the process.

    The output of a task is what the file has grown by; it is then removed from the file. So the
    file of a process that has died holds the output of its last task. Nothing is buffered, as under
    pytest; otherwise a crash would lose it.
    """

    def __init__(self, name: Literal["stdout", "stderr"], path: str) -> None:
        self._name = name
        self._number = _NUMBERS[name]
        # Append mode, because a program that opens /dev/stdout again writes at its start.
        self._own = os.open(path, os.O_RDWR | os.O_APPEND)
        self._outside = getattr(sys, name)
        self._taken: dict[int, int] = {}
        for number in {self._number, _number_of(self._outside)} - {self._own, -1}:
            self._take(number)
        self._replace()
        # The original stream of the process as well: it is buffered where it is not a terminal.
        self._first = getattr(sys, f"__{name}__")
        streams = [self._outside, *([self._first] if self._first is not self._outside else [])]
        self._flushes: list[Callable[[], object]] = [getattr(s, "flush", int) for s in streams]
        self._flush_all()  # unwritten text that a forked process inherits is not its own
        self._mark = mark(os.getpid())
        if os.lseek(self._own, 0, os.SEEK_END) == len(self._mark):
            os.ftruncate(self._own, 0)  # the previous process has left nothing
        self._base = self._begin_file()
        self._cuts: list[int] = []

    def cut(self) -> None:
        """Start a new part of the output; the streams stay as they are."""
        self._flush_all()
        self._cuts.append(os.lseek(self._own, 0, os.SEEK_END))

    def read(self) -> Sequence[str]:
        """Return the output since the last call: one text more than there were cuts.

        Repair the stream if a task has changed it. Most tasks write nothing, so that case is fast.
        """
        try:
            self._flush()
            # While the descriptor still is the file, an unchanged size means no output.
            if (
                os.lseek(self._number, 0, os.SEEK_END) == self._base
                and getattr(sys, self._name) is self._text
                and not self._text.closed
                and not self._cuts
            ):
                return ("",)
        except Exception:  # closed; or a task has replaced it
            pass
        return self._read_and_repair()

    def _read_and_repair(self) -> Sequence[str]:
        self._flush_all()
        size = os.lseek(self._own, 0, os.SEEK_END)
        starts = [self._base, *self._cuts]
        if not self._is_marked():
            starts = [0] * len(starts)  # what remains belongs to the last part
        texts = [self._between(start, stop) for start, stop in pairwise([*starts, size])]
        self._cuts.clear()
        self._empty()
        os.dup2(self._own, self._number)
        if getattr(sys, self._name) is not self._text or not _is_open(self._text):
            self._replace()
        return texts

    def _between(self, start: int, stop: int) -> str:
        return clipped(lambda length, at: os.pread(self._own, length, start + at), stop - start)

    def _flush_all(self) -> None:
        for stream in (self._first, self._outside, getattr(sys, self._name)):
            with suppress(Exception):  # a task may have put anything there
                stream.flush()

    def _flush(self) -> None:
        for flush in self._flushes:
            flush()

    def close(self) -> None:
        """Restore the previous stream."""
        self._flush_all()
        setattr(sys, self._name, self._outside)
        for number, kept in self._taken.items():
            os.dup2(kept, number)
            os.close(kept)
        os.close(self._own)

    def _take(self, number: int) -> None:
        try:
            kept = os.dup(number)
        except OSError:  # it is closed: there is nothing to restore
            kept = -1
        os.dup2(self._own, number)
        if kept >= 0:
            self._taken[number] = kept

    def _replace(self) -> None:
        """Install our own stream, with pytest's settings, so that a case sees the same.

        It writes to the file's own descriptor: as under pytest, a case may close 1 or 2 and print
        on.
        """
        raw = io.FileIO(self._own, "w", closefd=False)
        self._text = io.TextIOWrapper(
            raw,  # without a buffer, as in pytest
            "utf-8",
            errors="replace",
            newline="",
            write_through=True,
        )
        setattr(sys, self._name, self._text)

    def _begin_file(self) -> int:
        os.write(self._own, self._mark)
        return os.lseek(self._own, 0, os.SEEK_END)

    def _is_marked(self) -> bool:
        """Return whether the file still has its mark: a program that reopens it may truncate it."""
        return os.pread(self._own, len(self._mark), self._base - len(self._mark)) == self._mark

    def _empty(self) -> None:
        if self._is_marked():
            os.ftruncate(self._own, self._base)
        else:
            os.ftruncate(self._own, 0)
            self._base = self._begin_file()


def _number_of(stream: object) -> int:
    """Return the descriptor of a stream, -1 if it has none; in a fork, pytest's capture file."""
    try:
        number = stream.fileno()  # type: ignore[attr-defined]  # it may have none
    except Exception:
        return -1
    return number if isinstance(number, int) else -1


def _is_open(stream: io.TextIOWrapper) -> bool:
    try:
        return not stream.closed
    except ValueError:  # detached
        return False
