"""The stacks that workers leave when they die: where they write them, how the runner reads them."""

from __future__ import annotations

import faulthandler
import os
import re
import signal
import sys
import threading
import traceback
from dataclasses import dataclass

#: Bytes for each worker: what faulthandler writes of a hundred frames in several threads.
SLOT = 1 << 18

#: Slots for each place of a worker: its successor leaves alone what has not been read yet.
SPARE = 4

#: Frames of a stack that are told.
SHOWN = 12

#: The function of this package that calls a task, by which its frames are found in a stack.
CALLER = "perform"

#: Where this package is, with a separator at its end.
_HOME = os.path.join(os.path.dirname(sys.modules[__name__.partition(".")[0]].__file__ or ""), "")

#: The signals that faulthandler takes, by its names for them.
_NAMES = {
    "Segmentation fault": -signal.SIGSEGV,
    "Aborted": -signal.SIGABRT,
    "Floating point exception": -signal.SIGFPE,
    "Illegal instruction": -signal.SIGILL,
    "Bus error": -getattr(signal, "SIGBUS", 0),
}

#: Held while workers are ended of which each is to write its stack: a library that kills all of a
#: pool at one death waits for it.
writing = threading.Lock()

_FRAME = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+|\?+) in (?P<name>.*)$')


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What a dead worker has left: frames `file:line in function`, the innermost first.

    `code` is the exit code of the signal that ended it.
    """

    code: int | None = None
    frames: tuple[str, ...] = ()


def is_ours(file: str) -> bool:
    """Return whether a frame with this file is one of this package."""
    return file.startswith(_HOME)


def size_of_stacks(places: int) -> int:
    """Return the bytes of a file for the stacks of workers in so many places; most stay unused."""
    return places * SPARE * SLOT


def keep_stack(path: str, place: int) -> int:
    """Have this process write its stack into the file when a signal ends it.

    Returns the descriptor, which has to stay open.
    """
    fd = os.open(path, os.O_RDWR)
    keep_stack_in(fd, place)
    return fd


def keep_stack_in(fd: int, place: int) -> None:
    """Do so in a file that is open already.

    No other living worker may have the same place. A slot is the id of the process, in 8 bytes,
    and faulthandler's text.
    """
    starts = [(place * SPARE + spare) * SLOT for spare in range(SPARE)]
    start = next((start for start in starts if not _text(fd, start)), starts[-1])
    os.pwrite(fd, os.getpid().to_bytes(8, sys.byteorder), start)
    _clear(fd, start)
    os.lseek(fd, start + 8, os.SEEK_SET)
    faulthandler.enable(fd)


def read_stack(fd: int, pid: int, *, is_last: bool = True) -> Stack:
    """Return what process `pid` has left, nothing if it left none.

    Of several threads it is the one that ran a task; frames of this package are left out. Where
    nobody else is to read it, the slot is free from then on.
    """
    for start in range(0, os.fstat(fd).st_size, SLOT):
        if int.from_bytes(os.pread(fd, 8, start), sys.byteorder) == pid:
            text = _text(fd, start).decode(errors="replace")
            if is_last:
                _clear(fd, start)
            named = next((code for name, code in _NAMES.items() if name in text[:200]), None)
            return Stack(code=named, frames=_frames(text))
    return Stack()


def stack_of(error: BaseException) -> tuple[str, ...]:
    """Return the frames in which an exception was raised, `file:line in function` as well."""
    frames = [
        (frame.filename, f"{os.path.basename(frame.filename)}:{frame.lineno} in {frame.name}")
        for frame in reversed(traceback.extract_tb(error.__traceback__))
    ]
    return _shown([told for file, told in frames if not is_ours(file)])


def _text(fd: int, start: int) -> bytes:
    if not os.pread(fd, 1, start + 8).strip(b"\0"):
        return b""
    return os.pread(fd, SLOT - 8, start + 8).partition(b"\0")[0]


def _clear(fd: int, start: int) -> None:
    os.pwrite(fd, bytes(len(_text(fd, start))), start + 8)


def _frames(text: str) -> tuple[str, ...]:
    place = -1
    threads: list[list[tuple[str, str, str]]] = []
    for line in text.splitlines():
        if "(most recent call first)" in line:
            # The thread that received the signal comes first, wherever faulthandler writes it.
            threads.insert(0 if line.startswith("Current") else len(threads), [])
            place = 0 if line.startswith("Current") else -1
        elif threads and (found := _FRAME.match(line)):
            threads[place].append((found["file"], found["name"], found["line"]))
    cut = [(frames, _caller(frames)) for frames in threads]
    at_work = [(frames, caller) for frames, caller in cut if caller is not None]
    frames, caller = next(iter(at_work or cut), ([], None))
    # Frames that set up fixtures or import the module are this package's, too.
    return _shown(
        [
            f"{os.path.basename(file)}:{line} in {name}"
            for file, name, line in frames[:caller]
            if not is_ours(file) and not file.startswith("<frozen")
        ]
    )


def _caller(frames: list[tuple[str, str, str]]) -> int | None:
    """Return the place of the frame that called the task, None if this thread ran none."""
    places = (at for at, (file, name, _) in enumerate(frames) if is_ours(file) and name == CALLER)
    return next(places, None)


def _shown(frames: list[str]) -> tuple[str, ...]:
    return (*frames[:SHOWN], *(["…"] if len(frames) > SHOWN else []))
