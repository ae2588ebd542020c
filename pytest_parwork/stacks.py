"""The stacks that workers leave when they die: where they write them, how the runner reads them."""

from __future__ import annotations

import faulthandler
import os
import re
import sys

__all__ = ["SLOT", "keep_stack", "read_stack"]

#: Bytes for each worker: what faulthandler writes of a hundred frames in several threads.
SLOT = 1 << 18

#: Frames of a stack that are told.
SHOWN = 12

_FRAME = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+|\?+) in (?P<name>.*)$')


def keep_stack(path: str, slot: int) -> int:
    """Have this process write its stack into its slot of the file when a signal ends it.

    A slot is the id of the process, in 8 bytes, and faulthandler's text. Returns the descriptor,
    which has to stay open.
    """
    fd = os.open(path, os.O_RDWR)
    start = slot * SLOT
    left = len(_text(fd, start))  # by a worker that died before
    os.pwrite(fd, os.getpid().to_bytes(8, sys.byteorder) + bytes(left), start)
    os.lseek(fd, start + 8, os.SEEK_SET)
    faulthandler.enable(fd)
    return fd


def read_stack(fd: int, slots: int, pid: int) -> tuple[str, ...]:
    """Return the frames that process `pid` left, `file:line in function`, the innermost first.

    Of several threads it is the one that ran a task; frames of this package are left out.
    """
    for slot in range(slots):
        start = slot * SLOT
        if int.from_bytes(os.pread(fd, 8, start), sys.byteorder) == pid:
            return _frames(_text(fd, start).decode(errors="replace"))
    return ()


def _text(fd: int, start: int) -> bytes:
    return os.pread(fd, SLOT - 8, start + 8).partition(b"\0")[0]


def _frames(text: str) -> tuple[str, ...]:
    own = os.path.join(os.path.dirname(__file__), "worker.py")
    threads: list[list[tuple[str, str]]] = []
    for line in text.splitlines():
        if "(most recent call first)" in line:
            threads.append([])
        elif threads and (found := _FRAME.match(line)):
            told = f"{os.path.basename(found['file'])}:{found['line']} in {found['name']}"
            threads[-1].append((found["file"], told))
    at_work = [frames for frames in threads if any(file == own for file, _ in frames)]
    frames = next(iter(at_work or threads), [])
    files = [file for file, _ in frames]
    users = [told for _, told in frames[: files.index(own) if own in files else None]]
    return tuple(users[:SHOWN]) + (("…",) if len(users) > SHOWN else ())
