"""What an experiment does to a task in the process where it runs, one factor at a time."""

from __future__ import annotations

import contextvars
import datetime
import itertools
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from typing import Any, Protocol, runtime_checkable

from ...model.dataclass import dataclass
from ...transport.failures import describe

Function = Callable[..., object]

#: The global generators, as one of the sources of chance.
GENERATORS = "global generators"

#: The folder of Python's own library (`sysconfig` fails to name it in some sessions of Python
#: 3.13.0), and those of what was installed, which may be below it.
_PYTHON = os.path.dirname(os.__file__) + os.sep
_INSTALLED = ("site-packages", "dist-packages")

#: A call of a task: its function and its arguments.
Call = tuple[Function, Sequence[object], Mapping[str, object]]


@runtime_checkable
class Change(Protocol):
    """A treatment that changes something of the process, unless that is so already."""

    def is_idle(self) -> bool:
        """Return whether there is nothing to change here."""
        ...


@dataclass(frozen=True, slots=True)
class Seeded:
    """Set the state of the global generators before each call."""

    python: int
    numpy: int

    def __call__(self, function: Function) -> Function:
        """Return the function with the seeds around it."""

        def call(*args: object, **kwargs: object) -> object:
            random.seed(self.python)
            numpy = sys.modules.get("numpy")
            if numpy is not None:
                numpy.random.seed(self.numpy)
            return function(*args, **kwargs)

        return call


@dataclass(frozen=True, slots=True)
class Fixed:
    """Make a source of the system the same in every process: `pid`, `time` or `entropy`."""

    source: str

    def __call__(self, function: Function) -> Function:
        """Return the function with the source replaced while it runs."""

        def call(*args: object, **kwargs: object) -> object:
            with _SOURCES[self.source]():
                return function(*args, **kwargs)

        return call


@dataclass(frozen=True, slots=True)
class Held:
    """Make every source and the global generators the same in each process, except one of them."""

    free: str = ""

    def __call__(self, function: Function) -> Function:
        """Return the function with all of them held."""
        if self.free != GENERATORS:
            function = Seeded(0, 0)(function)
        for source in _SOURCES:
            if source != self.free:
                function = Fixed(source)(function)
        return function


def is_installed(file: str) -> bool:
    """Return whether a file belongs to a library that was installed."""
    return any(f"{os.sep}{name}{os.sep}" in file for name in _INSTALLED)


def is_python(file: str) -> bool:
    """Return whether a file belongs to Python's own library."""
    return file.startswith(_PYTHON) and not is_installed(file)


@contextmanager
def replaced(holder: Any, **values: object) -> Iterator[None]:
    """Replace attributes inside the block; `unittest.mock` would import asyncio for it."""
    before = {name: vars(holder)[name] for name in values}
    try:
        for name, value in values.items():
            setattr(holder, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(holder, name, value)


@contextmanager
def _fixed_pid() -> Iterator[None]:
    with replaced(os, getpid=lambda: 4242):
        yield


@contextmanager
def _fixed_time() -> Iterator[None]:
    # It has to advance, or loops that wait would never end.
    ticks = itertools.count(1_700_000_000_000, 1)

    def seconds() -> float:
        return next(ticks) / 1e3

    def nanoseconds() -> int:
        return next(ticks) * 1_000_000

    clocks = ("time", "monotonic", "perf_counter", "process_time")
    answers: dict[str, Any] = dict.fromkeys(clocks, seconds)
    answers.update({f"{name}_ns": nanoseconds for name in clocks})
    real, standin = datetime.datetime, _datetime_of(seconds)
    with replaced(time, **answers), ExitStack() as stack:
        for module in list(sys.modules.values()):
            for name, value in list(getattr(module, "__dict__", {}).items()):
                if value is real:  # modules that have imported it by name, too
                    stack.enter_context(replaced(module, **{name: standin}))
        yield


def _datetime_of(seconds: Callable[[], float]) -> type:
    """Return a stand-in for `datetime.datetime` of a clock; what it makes is not of this class."""
    real: Any = datetime.datetime

    class Made(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, real)

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            return real(*args, **kwargs)

    class Standin(datetime.datetime, metaclass=Made):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return real.fromtimestamp(seconds(), tz)

        @classmethod
        def today(cls) -> Any:
            return real.fromtimestamp(seconds())

        @classmethod
        def utcnow(cls) -> Any:
            return real.fromtimestamp(seconds(), datetime.timezone.utc).replace(tzinfo=None)

    return Standin


@contextmanager
def _fixed_entropy() -> Iterator[None]:
    counter = itertools.count()

    def read(size: int) -> bytes:
        return bytes((next(counter) * 37 + 11) % 256 for _ in range(size))

    seed = random.Random.seed

    def seed_read(self: random.Random, a: Any = None, version: int = 2) -> None:
        # Without a seed, it would read the entropy in C.
        seed(self, int.from_bytes(read(32), "big") if a is None else a, version)

    with (
        replaced(os, urandom=read),
        replaced(random, _urandom=read),
        replaced(random.Random, seed=seed_read),
    ):
        yield


_SOURCES: Mapping[str, Callable[[], Any]] = {
    "pid": _fixed_pid,
    "time": _fixed_time,
    "entropy": _fixed_entropy,
}


def in_thread_of_context(function: Function) -> Function:
    """Return the function, called in a new thread in a copy of the context of this one."""

    def call(*args: object, **kwargs: object) -> object:
        context = contextvars.copy_context()
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(lambda: context.run(function, *args, **kwargs)).result()

    return call


@dataclass(frozen=True, slots=True)
class Together:
    """Run calls in threads at the same time, or one after the other by a lock."""

    workers: int
    is_locked: bool

    def __call__(self, calls: Sequence[Call]) -> list[tuple[str, object]]:
        """Return kind and result of each call, the latter type and text of an exception."""
        lock = threading.Lock() if self.is_locked else nullcontext()
        start = threading.Barrier(min(self.workers, len(calls)))
        waited = threading.local()

        def run(call: Call) -> tuple[str, object]:
            if not hasattr(waited, "done"):
                waited.done = True
                with suppress(threading.BrokenBarrierError):
                    start.wait(1.0)
            function, args, kwargs = call
            with lock:
                try:
                    return "value", function(*args, **kwargs)
                except BaseException as error:
                    failure = describe(error)
                    return "failure", (failure.type, failure.text)

        sys.setswitchinterval(1e-5)  # so that a race that there is shows
        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(run, calls))
