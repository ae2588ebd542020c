"""What an experiment does to a task in the process where it runs, one factor at a time."""

from __future__ import annotations

import contextvars
import decimal
import importlib
import itertools
import locale
import os
import pickle
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from ...transport.failures import describe

Function = Callable[..., object]

#: The global generators, as one of the sources of chance.
GENERATORS = "global generators"

#: A call of a task: its function and its arguments.
Call = tuple[Function, Sequence[object], Mapping[str, object]]


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


@contextmanager
def _fixed_pid() -> Iterator[None]:
    with patch.object(os, "getpid", lambda: 4242):
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
    replaced: dict[str, Any] = dict.fromkeys(clocks, seconds)
    replaced.update({f"{name}_ns": nanoseconds for name in clocks})
    with patch.multiple(time, **replaced):
        yield


@contextmanager
def _fixed_entropy() -> Iterator[None]:
    counter = itertools.count()

    def read(size: int) -> bytes:
        return bytes((next(counter) * 37 + 11) % 256 for _ in range(size))

    with patch.object(os, "urandom", read), patch.object(random, "_urandom", read):
        yield


_SOURCES: Mapping[str, Callable[[], Any]] = {
    "pid": _fixed_pid,
    "time": _fixed_time,
    "entropy": _fixed_entropy,
}


@dataclass(frozen=True, slots=True)
class Globals:
    """Set globals of modules before each call; the values are pickled, by module and name."""

    values: Mapping[tuple[str, str], bytes]

    def __call__(self, function: Function) -> Function:
        """Return the function with the globals set before it."""

        def call(*args: object, **kwargs: object) -> object:
            for (module, name), data in self.values.items():
                setattr(importlib.import_module(module), name, pickle.loads(data))
            return function(*args, **kwargs)

        return call


@dataclass(frozen=True, slots=True)
class ReadGlobals:
    """Return the pickled globals of modules as they are before a call, in place of its result."""

    names: Sequence[tuple[str, str]]

    def __call__(self, function: Function) -> Function:  # noqa: ARG002, it is not called
        """Return the reading."""

        def call(*args: object, **kwargs: object) -> object:  # noqa: ARG001
            return read_globals(self.names)

        return call


def read_globals(names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
    """Return the pickled values of globals, by module and name, as far as they can be pickled."""
    found: dict[tuple[str, str], bytes] = {}
    for module, name in names:
        with suppress(Exception):
            found[module, name] = pickle.dumps(vars(importlib.import_module(module))[name])
    return found


@dataclass(frozen=True, slots=True)
class Context:
    """Set the context of a process before each call; names and values as `read_context` gives."""

    values: Mapping[str, object]

    def __call__(self, function: Function) -> Function:
        """Return the function with the context set before it."""

        def call(*args: object, **kwargs: object) -> object:
            for name, value in self.values.items():
                _FACTORS[name][1](value)
            return function(*args, **kwargs)

        return call


def reading_context(function: Function) -> Function:  # noqa: ARG001, it is not called
    """Return a function that returns the context before a call, in place of its result."""

    def call(*args: object, **kwargs: object) -> object:  # noqa: ARG001
        return read_context()

    return call


def read_context() -> dict[str, object]:
    """Return what libraries keep for the process or the thread, as far as they are loaded."""
    found: dict[str, object] = {}
    for name, (read, _) in _FACTORS.items():
        with suppress(Exception):
            found[name] = read()
    return found


def _decimal() -> object:
    now = decimal.getcontext()
    return now.prec, now.rounding, now.Emin, now.Emax, now.capitals, now.clamp


def _set_decimal(value: Any) -> None:
    prec, rounding, low, high, capitals, clamp = value
    now = decimal.getcontext()
    decimal.setcontext(decimal.Context(prec, rounding, low, high, capitals, clamp))
    decimal.getcontext().traps = now.traps


def _numpy() -> Any:
    return sys.modules["numpy"]


def _pandas_options() -> object:
    options: Any = sys.modules["pandas"].options
    return {name: getattr(options.display, name) for name in ("precision", "max_rows")}


def _set_pandas_options(values: Any) -> None:
    for name, value in values.items():
        setattr(sys.modules["pandas"].options.display, name, value)


#: What is kept for a process or a thread: how it is read, and how it is set.
_FACTORS: Mapping[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {
    "decimal context": (_decimal, _set_decimal),
    "numpy error state": (lambda: _numpy().geterr(), lambda v: _numpy().seterr(**v)),
    "numpy print options": (
        lambda: {k: v for k, v in _numpy().get_printoptions().items() if k != "override_repr"},
        lambda v: _numpy().set_printoptions(**v),
    ),
    "pandas display options": (_pandas_options, _set_pandas_options),
    "locale": (
        lambda: locale.setlocale(locale.LC_ALL),
        lambda v: locale.setlocale(locale.LC_ALL, v),
    ),
    "working directory": (os.getcwd, os.chdir),
    "recursion limit": (sys.getrecursionlimit, sys.setrecursionlimit),
    "integer string limit": (
        lambda: sys.get_int_max_str_digits(),
        lambda v: sys.set_int_max_str_digits(v),
    ),
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
