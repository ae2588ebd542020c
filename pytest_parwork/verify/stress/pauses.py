"""What is put around the tasks of a perturbed run, where they run: pauses, read-only arguments."""

from __future__ import annotations

import copy
import inspect
import os
import pickle
import random
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from types import FrameType
from typing import Any

#: What runs step by step, and can be resumed.
_STEPPING = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR

#: Longest pause in seconds, most pauses of a task, and how often a call is followed by one.
PAUSE, MOST, SHARE = 0.002, 60, 0.3

#: Seconds after which the interpreter switches threads: as often as it can.
SWITCH = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Perturbed:
    """Wraps the function of each task of a perturbed run; it is pickled to get there.

    With `pauses`, a task pauses at random at calls and returns of the project's functions, and of C
    functions that these call: there an interpreter with a GIL may switch threads, too. So what goes
    wrong can go wrong without pauses. With `is_inner`, threads that it starts pause, too; no other
    task may run next to it in its process. With `readonly`, arrays are read-only. A `crowd` is so
    many threads that call the function at the same time, each with arguments of its own.
    """

    seed: int
    pauses: bool = False
    readonly: bool = False
    crowd: int = 1
    is_inner: bool = False

    def __call__(self, function: Callable[..., object]) -> Callable[..., object]:
        perturbed = self._perturbed(function)
        return perturbed if self.crowd < 2 else partial(_crowded, perturbed, function, self.crowd)

    def _perturbed(self, function: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            if self.readonly:
                for value in (*args, *kwargs.values()):
                    _protect(value)
            if not self.pauses:
                return function(*args, **kwargs)
            chance = random.Random(f"{self.seed} {threading.get_ident()} {time.perf_counter_ns()}")
            with _switching_often(), _pausing(chance, is_inner=self.is_inner):
                value = function(*args, **kwargs)
            time.sleep(chance.random() * PAUSE)  # so that tasks end in another order
            return value

        return call


def _crowded(
    perturbed: Callable[..., object],
    function: Callable[..., object],
    threads: int,
    *args: object,
    **kwargs: object,
) -> object:
    """Call a function in several threads at once; return the result of one that differs, if any.

    They are compared, by their pickles, with a call that follows: what the threads should have made
    once is made by then.
    """
    try:
        given = [copy.deepcopy((args, kwargs)) for _ in range(threads)]
    except Exception:  # of arguments that cannot be copied
        return perturbed(*args, **kwargs)
    start = threading.Barrier(threads)

    def call(own: tuple[tuple[object, ...], dict[str, object]]) -> Callable[[], object]:
        start.wait(1.0)
        try:
            value = perturbed(*own[0], **own[1])
        except BaseException as error:
            return partial(_raise, error)
        return lambda: value

    with ThreadPoolExecutor(threads) as pool:
        ended = list(pool.map(call, given))
    after = _pickled(partial(function, *args, **kwargs))
    return next((one for one in ended if _pickled(one) != after), ended[0])()


def _raise(error: BaseException) -> object:
    raise error


def _pickled(end: Callable[[], object]) -> object:
    """Return a value, or an exception, in a form that is the same for the same."""
    try:
        return pickle.dumps(end())
    except pickle.PicklingError:
        return b""
    except BaseException as error:
        return type(error), str(error)


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
def _pausing(chance: random.Random, *, is_inner: bool) -> Iterator[None]:
    """Pause at calls of this thread, unless another profiler has it; of threads inside it, too."""
    if sys.getprofile() is not None:
        yield
        return
    left = MOST

    def pause(frame: FrameType, event: str, _: object) -> None:
        nonlocal left
        if left and _is_place(frame, event) and chance.random() < SHARE:
            left -= 1
            time.sleep(chance.random() * PAUSE)

    sys.setprofile(pause)
    if is_inner:
        threading.setprofile(pause)
    try:
        yield
    finally:
        sys.setprofile(None)
        if is_inner:
            threading.setprofile(None)


def _is_place(frame: FrameType, event: str) -> bool:
    """Return whether a task may pause at an event: one in the project, or in what it calls.

    While a generator begins or ends a step, no other thread may get to it: that is a segmentation
    fault of CPython 3.11, if it resumes the same one.
    """
    if event not in ("call", "return"):
        return is_of_project(frame.f_code.co_filename)
    if frame.f_code.co_flags & _STEPPING:
        return False
    back = frame.f_back
    return is_of_project(frame.f_code.co_filename) or (
        back is not None and is_of_project(back.f_code.co_filename)
    )


@cache
def is_of_project(file: str) -> bool:
    """Return whether a file is neither of the standard library, nor installed, nor ours."""
    own = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    paths = sysconfig.get_paths()
    theirs = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return not file.startswith(("<frozen", own + os.sep, *(path + os.sep for path in theirs)))
