"""The standard streams of a worker process, down to their descriptors, sent to files."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Literal

from .bounds import clipped

#: With which begins what a process puts before all that it writes into its file.
MARK = b"\0\0parwork "

_NUMBERS = {"stdout": 1, "stderr": 2}


def mark(pid: int) -> bytes:
    """Return the mark of a process."""
    return b"%s%10d\0" % (MARK, pid)


class Stream:
    """One of the two streams, in a file of its own from now on.

    Nothing is redirected for a single task: what it wrote is what the file has grown by, which is
    taken out of it. So the file of a process that has died holds what its last task wrote. Nothing
    is buffered, as under pytest, or that would be lost.
    """

    def __init__(self, name: Literal["stdout", "stderr"], path: str) -> None:
        self._name = name
        self._number = _NUMBERS[name]
        # Appending, for what a program writes that opens /dev/stdout anew stands at the start.
        self._own = os.open(path, os.O_RDWR | os.O_APPEND)
        self._outside = getattr(sys, name)
        self._taken: dict[int, int] = {}
        for number in {self._number, _number_of(self._outside)} - {self._own, -1}:
            self._take(number)
        self._replace()
        # The first stream of the process as well: it has a buffer where it is no terminal.
        self._first = getattr(sys, f"__{name}__")
        streams = [self._outside, *([self._first] if self._first is not self._outside else [])]
        self._flushes: list[Callable[[], object]] = [getattr(s, "flush", int) for s in streams]
        self._flush_all()  # what a forked process has inherited unwritten is not its own
        self._mark = mark(os.getpid())
        if os.lseek(self._own, 0, os.SEEK_END) == len(self._mark):
            os.ftruncate(self._own, 0)  # the one before has left nothing
        self._base = self._begin_file()
        self._cuts: list[int] = []

    def cut(self) -> None:
        """Tell what is written from now on apart, and leave all as it is."""
        self._flush_all()
        self._cuts.append(os.lseek(self._own, 0, os.SEEK_END))

    def read(self) -> Sequence[str]:
        """Return what was written since the last time, a text more than there were cuts.

        Put right what was done to the stream. Most tasks write nothing: to find that out has to
        take no time.
        """
        try:
            self._flush()
            # As long as the number is that of the file, both are as long as they were left.
            if (
                os.lseek(self._number, 0, os.SEEK_END) == self._base
                and getattr(sys, self._name) is self._text
                and not self._text.closed
                and not self._cuts
            ):
                return ("",)
        except Exception:  # closed; or a task has put something else in its place
            pass
        return self._read_and_repair()

    def _read_and_repair(self) -> Sequence[str]:
        self._flush_all()
        size = os.lseek(self._own, 0, os.SEEK_END)
        starts = [self._base, *self._cuts]
        if not self._is_marked():
            starts = [0] * len(starts)  # what is left is of the last part
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
        """Give the stream back."""
        self._flush_all()
        setattr(sys, self._name, self._outside)
        for number, kept in self._taken.items():
            os.dup2(kept, number)
            os.close(kept)
        os.close(self._own)

    def _take(self, number: int) -> None:
        try:
            kept = os.dup(number)
        except OSError:  # it is closed: there is nothing to give back
            kept = -1
        os.dup2(self._own, number)
        if kept >= 0:
            self._taken[number] = kept

    def _replace(self) -> None:
        """Put a stream of ours in place; its settings are pytest's, so that a case sees the same.

        It has the file itself, not the number: as under pytest, a case may close that and print on.
        """
        raw = io.FileIO(self._own, "w", closefd=False)
        self._text = io.TextIOWrapper(
            raw,  # without a buffer, as pytest has it
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
        """Return whether the file is as it was: a program that opens it anew may empty it."""
        return os.pread(self._own, len(self._mark), self._base - len(self._mark)) == self._mark

    def _empty(self) -> None:
        if self._is_marked():
            os.ftruncate(self._own, self._base)
        else:
            os.ftruncate(self._own, 0)
            self._base = self._begin_file()


def _number_of(stream: object) -> int:
    """Return the descriptor of a stream: under a fork, the file that pytest captures into."""
    try:
        number = stream.fileno()  # type: ignore[attr-defined]  # or it has none
    except Exception:
        return -1
    return number if isinstance(number, int) else -1


def _is_open(stream: io.TextIOWrapper) -> bool:
    try:
        return not stream.closed
    except ValueError:  # detached
        return False
