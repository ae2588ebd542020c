"""The stacks that dying workers leave: where workers write them, and how the runner reads them."""

from __future__ import annotations

import faulthandler
import re
import signal
import sys
import traceback

from ..model.dataclass import dataclass
from .system import os, threading

#: Bytes for each worker: enough for faulthandler's text of a hundred frames in several threads.
SLOT = 1 << 18

#: Slots for each place of a worker: its successor does not overwrite a stack that is still unread.
SPARE = 4

#: At most so many frames of a stack are reported.
SHOWN = 12

#: The function of this package that calls a task: in a stack, the task's frames follow it.
CALLER = "perform"

#: The folder of this package, with a separator at its end.
_HOME = os.path.join(os.path.dirname(sys.modules[__name__.partition(".")[0]].__file__ or ""), "")

#: The exit codes for the signals that faulthandler handles, by its names for them.
_NAMES = {
    "Segmentation fault": -signal.SIGSEGV,
    "Aborted": -signal.SIGABRT,
    "Floating point exception": -signal.SIGFPE,
    "Illegal instruction": -signal.SIGILL,
    "Bus error": -getattr(signal, "SIGBUS", 0),
}

#: Held while workers are being ended and each is to write its stack: a library that kills a whole
#: pool when one worker dies has to wait for it.
writing = threading.Lock()

_FRAME = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+|\?+) in (?P<name>.*)$')


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The stack of a dead worker: frames `file:line in function`, the innermost first.

    `code` is the exit code for the signal that killed it.
    """

    code: int | None = None
    frames: tuple[str, ...] = ()


def is_ours(file: str) -> bool:
    """Return whether a frame with this file is one of this package."""
    return file.startswith(_HOME)


def size_of_stacks(places: int) -> int:
    """Return the size in bytes of a file for the stacks of `places` workers; most stays unused."""
    return places * SPARE * SLOT


def keep_stack(path: str, place: int) -> int:
    """Make this process write its stack into the file when a signal kills it.

    Returns the descriptor, which has to stay open.
    """
    fd = os.open(path, os.O_RDWR)
    keep_stack_in(fd, place)
    return fd


def keep_stack_in(fd: int, place: int) -> None:
    """Make this process write its stack into an open file when a signal kills it.

    No other living worker may have the same place. A slot holds the id of the process, in 8 bytes,
    and faulthandler's text.
    """
    starts = [(place * SPARE + spare) * SLOT for spare in range(SPARE)]
    start = next((start for start in starts if not _text(fd, start)), starts[-1])
    os.pwrite(fd, os.getpid().to_bytes(8, sys.byteorder), start)
    _clear(fd, start)
    os.lseek(fd, start + 8, os.SEEK_SET)
    faulthandler.enable(fd)


def read_stack(fd: int, pid: int, *, is_last: bool = True) -> Stack:
    """Return the stack that process `pid` has left, an empty one if it left none.

    Of several threads, it is that of the thread that ran a task; frames of this package are
    omitted. With `is_last`, nobody reads it again, and the slot becomes free.
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
    """Return the frames in which an exception was raised, `file:line in function`."""
    frames = [
        (frame.filename, f"{os.path.basename(frame.filename)}:{frame.lineno} in {frame.name}")
        for frame in reversed(traceback.extract_tb(error.__traceback__))
    ]
    return _shown([text for file, text in frames if not is_ours(file)])


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
            # Put the thread that received the signal first, wherever faulthandler lists it.
            threads.insert(0 if line.startswith("Current") else len(threads), [])
            place = 0 if line.startswith("Current") else -1
        elif threads and (found := _FRAME.match(line)):
            threads[place].append((found["file"], found["name"], found["line"]))
    cut = [(frames, _caller(frames)) for frames in threads]
    at_work = [(frames, caller) for frames, caller in cut if caller is not None]
    frames, caller = next(iter(at_work or cut), ([], None))
    # Frames that set up fixtures or import the module are this package's as well.
    return _shown(
        [
            f"{os.path.basename(file)}:{line} in {name}"
            for file, name, line in frames[:caller]
            if not is_ours(file) and not file.startswith("<frozen")
        ]
    )


def _caller(frames: list[tuple[str, str, str]]) -> int | None:
    """Return the index of the frame that called the task, None if this thread ran none."""
    places = (at for at, (file, name, _) in enumerate(frames) if is_ours(file) and name == CALLER)
    return next(places, None)


def _shown(frames: list[str]) -> tuple[str, ...]:
    return (*frames[:SHOWN], *(["…"] if len(frames) > SHOWN else []))
