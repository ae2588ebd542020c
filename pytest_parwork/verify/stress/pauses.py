"""What is put around the tasks of a perturbed run, where they run: pauses, read-only arguments."""

from __future__ import annotations

import os
import random
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import FrameType
from typing import Any

#: Longest pause in seconds, most pauses of a task, and how often a call is followed by one.
PAUSE, MOST, SHARE = 0.002, 60, 0.3

#: Seconds after which the interpreter switches threads: as often as it can.
SWITCH = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Perturbed:
    """Wraps the function of each task of a perturbed run; it is pickled to get there.

    With `pauses`, a task pauses at random at calls and returns of the project's functions, and of C
    functions that these call: there an interpreter with a GIL may switch threads, too. So what goes
    wrong can go wrong without pauses. With `readonly`, arrays are read-only.
    """

    seed: int
    pauses: bool = False
    readonly: bool = False

    def __call__(self, function: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            if self.readonly:
                for value in (*args, *kwargs.values()):
                    _protect(value)
            if not self.pauses:
                return function(*args, **kwargs)
            chance = random.Random(f"{self.seed} {threading.get_ident()} {time.perf_counter_ns()}")
            with _switching_often(), _pausing(chance):
                value = function(*args, **kwargs)
            time.sleep(chance.random() * PAUSE)  # so that tasks end in another order
            return value

        return call


def _protect(value: Any) -> None:
    flags: Any = getattr(value, "flags", None)
    if hasattr(flags, "writeable"):
        flags.writeable = False


_COUNT = [0, 0.0]  # of tasks that switch often in this process, and the interval before them
_LOCK = threading.Lock()


@contextmanager
def _switching_often() -> Iterator[None]:
    """Let the interpreter switch threads often, as long as any task needs it."""
    with _LOCK:
        if not _COUNT[0]:
            _COUNT[1] = sys.getswitchinterval()
            sys.setswitchinterval(SWITCH)
        _COUNT[0] += 1
    try:
        yield
    finally:
        with _LOCK:
            _COUNT[0] -= 1
            if not _COUNT[0]:
                sys.setswitchinterval(_COUNT[1])


@contextmanager
def _pausing(chance: random.Random) -> Iterator[None]:
    """Pause at calls of this thread, unless another profiler has it."""
    if sys.getprofile() is not None:
        yield
        return
    left = MOST

    def pause(frame: FrameType, _event: str, _: object) -> None:
        nonlocal left
        if left and is_of_project(frame.f_code.co_filename) and chance.random() < SHARE:
            left -= 1
            time.sleep(chance.random() * PAUSE)

    sys.setprofile(pause)
    try:
        yield
    finally:
        sys.setprofile(None)


@cache
def is_of_project(file: str) -> bool:
    """Return whether a file is neither of the standard library, nor installed, nor ours."""
    own = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    paths = sysconfig.get_paths()
    theirs = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return not file.startswith(("<frozen", own + os.sep, *(path + os.sep for path in theirs)))
