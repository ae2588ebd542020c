"""What is put around the tasks of a perturbed run, where they run: pauses, read-only arguments."""

from __future__ import annotations

import copy
import dis
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
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from types import CodeType, FrameType
from typing import Any

from ...model.dataclass import dataclass

#: What runs step by step, and can be resumed.
_STEPPING = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR

_OWN = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_PATHS = sysconfig.get_paths()  # asked once: in several threads at a time, it may raise
_THEIRS = [_PATHS[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]

#: How the names of files begin that are of the standard library, installed, or ours.
_OF_OTHERS = ("<frozen", *(path + os.sep for path in (_OWN, *_THEIRS)))

#: Longest pause in seconds, most pauses of a task, and how often a call is followed by one.
PAUSE, MOST, SHARE = 0.002, 60, 0.3

#: Seconds after which the interpreter switches threads: as often as it can.
SWITCH = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Perturbed:
    """Wraps the function of each task of a perturbed run; it is pickled to get there.

    With `pauses`, a task pauses at random at calls and returns of the project's functions, of C
    functions that these call, and behind each of their lines that calls anything: there an
    interpreter with a GIL may switch threads, too. So what goes wrong can go wrong without pauses.
    With `is_inner`, threads that it starts pause, too; no other task may run next to it in its
    process. With `readonly`, arrays are read-only. A `crowd` is so many threads that call the
    function at the same time, each with arguments of its own.
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
    """Pause at calls of this thread, and of threads inside it, too.

    Another profiler or tracer, such as that of a coverage, stays as it is.
    """
    left = MOST

    def pause() -> None:
        nonlocal left
        if left and chance.random() < SHARE:
            left -= 1
            time.sleep(chance.random() * PAUSE)

    def profile(frame: FrameType, event: str, _: object) -> None:
        if _is_place(frame, event):
            pause()

    with ExitStack() as stack:
        if sys.getprofile() is None:
            sys.setprofile(profile)
            stack.callback(sys.setprofile, None)
            if is_inner:
                threading.setprofile(profile)
                stack.callback(threading.setprofile, None)
        if sys.gettrace() is None:
            enter = _behind_calls(pause)
            sys.settrace(enter)
            stack.callback(sys.settrace, None)
            if is_inner:
                threading.settrace(enter)
                stack.callback(threading.settrace, None)
        yield


def _behind_calls(pause: Callable[[], None]) -> Callable[[FrameType, str, object], Any]:
    """Return a tracer that pauses behind lines of the project that call something.

    Functions that Cython has compiled, such as those of `numpy.random`, are no C functions for a
    profiler.
    """

    def enter(frame: FrameType, event: str, _: object) -> Any:  # noqa: ARG001, its signature
        if frame.f_code.co_flags & _STEPPING or not is_of_project(frame.f_code.co_filename):
            return None  # see _is_place: without a tracer of its own, its steps end in C
        calling, before = _calling_lines(frame.f_code), 0

        def step(frame: FrameType, event: str, _: object) -> Any:
            nonlocal before
            if event == "line":
                if before in calling:
                    pause()
                before = frame.f_lineno
            return step

        return step

    return enter


@cache
def _calling_lines(code: CodeType) -> frozenset[int]:
    """Return the lines of a code that call anything."""
    starts, line, found = dict(dis.findlinestarts(code)), 0, set()
    for one in dis.get_instructions(code):
        line = starts.get(one.offset) or line
        if "CALL" in one.opname:
            found.add(line)
    return frozenset(found)


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
    return not file.startswith(_OF_OTHERS)
