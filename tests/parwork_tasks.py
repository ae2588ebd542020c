"""Functions that workers import and run; as bare as a user's: nothing heavy is imported here."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn


def burn(seconds: float) -> None:
    """Use so many CPU seconds."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def square(x: int) -> int:
    return x * x


def square_later(x: int, seconds: float) -> int:
    time.sleep(seconds)
    return x * x


def identity(value: object) -> object:
    return value


def is_same(first: object, second: object) -> bool:
    return first is second


def type_name(value: object) -> str:
    return type(value).__name__


def append(values: list[int], value: int) -> list[int]:
    values.append(value)
    return values


def write_and_sum(array: Any, value: float) -> float:
    array[0] = value
    return float(array.sum())


def sum_of(array: Any) -> float:
    return float(array.sum())


def touch(path: str) -> None:
    Path(path).touch()


def letters(number: int) -> str:
    return "x" * number


def full(count: int, value: float) -> Any:
    import numpy as np

    return np.full(count, value)


def loaded_modules() -> list[str]:
    return sorted(sys.modules)


def main_module() -> str | None:
    return getattr(sys.modules["__main__"], "__file__", None)


def native_threads() -> list[int]:
    """Import NumPy no earlier than here, and return the threads of each of its libraries."""
    import numpy  # noqa: F401
    import threadpoolctl

    return [library["num_threads"] for library in threadpoolctl.threadpool_info()]


def openmp_threads(library: str) -> int:
    """Return how many threads OpenMP would take here, by a library that asks it."""
    import ctypes

    most: int = ctypes.CDLL(library).most()
    return most


def gomp_threads(library: str) -> int:
    """Return the same by the library of GCC's OpenMP itself."""
    import ctypes

    most: int = ctypes.CDLL(library).omp_get_max_threads()
    return most


def process() -> int:
    return os.getpid()


class Counter:
    """A test class: pytest makes a fresh instance for each test."""

    def __init__(self) -> None:
        self.count = 0

    def test_count(self, by: int) -> int:
        self.count += by
        return self.count

    class TestInner:
        def test_name(self) -> str:
            return type(self).__qualname__


class Adder:
    def __init__(self, by: int) -> None:
        self.by = by

    def add(self, x: int) -> int:
        return x + self.by


class Model:
    """An object that cannot be pickled because of something deep inside."""

    def __init__(self) -> None:
        self.name = "a model"
        self.parts = [1, {"lock": threading.Lock()}]


class Slotted:
    __slots__ = ("lock", "name")

    def __init__(self) -> None:
        self.name = "slotted"
        self.lock = threading.Lock()


class PickyError(Exception):
    """Comes out of its pickle with an error: __init__ wants more than args holds."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


class WordyError(Exception):
    """Comes out of its pickle changed: __init__ adds words to what it is given."""

    def __init__(self, code: object) -> None:
        super().__init__(f"code {code}")


class LockedError(Exception):
    """Cannot be pickled at all."""

    def __init__(self) -> None:
        super().__init__("locked")
        self.lock = threading.Lock()


class WordlessError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def raise_value_error(x: int) -> NoReturn:
    raise ValueError("bad value", x)


def raise_chained() -> NoReturn:
    try:
        raise KeyError("inner")
    except KeyError as error:
        raise RuntimeError("outer") from error


def fail_assertion(x: int) -> None:
    assert x == 1, "x must be one"


def raise_picky() -> NoReturn:
    raise PickyError("this", "that")


def raise_wordy() -> NoReturn:
    raise WordyError(5)


def raise_locked() -> NoReturn:
    raise LockedError


def raise_wordless() -> NoReturn:
    raise WordlessError


def raise_local() -> NoReturn:
    class LocalError(Exception):
        pass

    raise LocalError("local")


def leave() -> NoReturn:
    sys.exit(3)


def interrupt() -> NoReturn:
    raise KeyboardInterrupt("by hand")


def exit_generator() -> NoReturn:
    raise GeneratorExit("gone")


def skip() -> None:
    import pytest

    pytest.skip("not today")


def skip_unittest() -> None:
    import unittest

    raise unittest.SkipTest("not here")


def fail() -> None:
    import pytest

    pytest.fail("told so")


def exit_session() -> None:
    import pytest

    pytest.exit("all out")


def unpicklable_result() -> object:
    return {"good": 1, "model": Model()}


class ExitsInPickle:
    def __reduce__(self) -> NoReturn:
        raise SystemExit("from a pickle")


class ExitsInUnpickle:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return leave_there, (os.getpid(),)


def leave_there(pid: int) -> object:
    if os.getpid() != pid:
        raise ValueError("cannot be loaded elsewhere")
    return ExitsInUnpickle()


def result_that_exits_in_pickle() -> object:
    return [ExitsInPickle()]


def result_that_does_not_unpickle() -> object:
    return ExitsInUnpickle()


def die_as_if_done(x: int, guilty: int) -> int:
    if x == guilty:
        os._exit(0)
    return x * x


def die_by_exit(x: int, guilty: int) -> int:
    if x == guilty:
        os._exit(3)
    return x * x


def die_by_kill(x: int, guilty: int) -> int:
    if x == guilty:
        os.kill(os.getpid(), signal.SIGKILL)
    return x * x


def die_by_abort(x: int, guilty: int) -> int:
    if x == guilty:
        import faulthandler

        faulthandler.disable()  # which would tell the terminal about it
        os.abort()
    return x * x


def die_later(seconds: float) -> None:
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)


class SignalsFirstLoader:
    """A function that sends a signal to the first process which loads it."""

    def __init__(self, note: str, number: int) -> None:
        self.note = note
        self.number = number

    def __reduce__(self) -> tuple[Callable[[str, int], SignalsFirstLoader], tuple[str, int]]:
        return _load, (self.note, self.number)

    def __call__(self, x: int) -> int:
        return x * x


def _load(note: str, number: int) -> SignalsFirstLoader:
    try:
        os.close(os.open(note, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        pass
    else:
        os.kill(os.getpid(), number)
    return SignalsFirstLoader(note, number)


class SlowLoader:
    """A function that takes so many seconds of processor time to load; it may die when called."""

    def __init__(self, seconds: float, bad: int) -> None:
        self.seconds = seconds
        self.bad = bad

    def __reduce__(self) -> tuple[Callable[[float, int], SlowLoader], tuple[float, int]]:
        return _load_slowly, (self.seconds, self.bad)

    def __call__(self, x: int) -> int:
        return die_by_exit(x, self.bad)


def _load_slowly(seconds: float, bad: int) -> SlowLoader:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    return SlowLoader(seconds, bad)
