"""What a call executes, line by line, and what it asks of the system, recorded where it runs."""

from __future__ import annotations

import os
import random
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from threading import get_ident  # as it is, while calls of it are recorded
from types import CodeType, FrameType
from typing import Any, NamedTuple

from ...equivalence import show
from ...machine.collector import without_collection
from ...model.dataclass import dataclass
from ...model.listing import shorten
from ...transport.failures import describe
from ...transport.payload import Around
from ...transport.pickling import ATOM_IDS
from .treatments import Function, is_python

#: Most lines of a call, and most of its calls of the system, that are recorded.
MOST_LINES, MOST_CALLS = 20_000, 1_000

#: Most columns of a value.
SHOWN = 40

#: Packages that are not the code under test.
_OURS = ("pytest_parwork", "_pytest", "pluggy")

#: Functions whose answers may differ from process to process, by module.
_ASKED: Mapping[str, tuple[str, ...]] = {
    "os": ("getpid", "getppid", "urandom", "getcwd", "cpu_count"),
    "random": ("random", "randint", "randrange", "choice", "sample", "uniform", "gauss", "choices"),
    "numpy.random": ("rand", "randn", "random", "randint", "normal", "uniform", "choice"),
    "time": ("time", "time_ns", "monotonic", "perf_counter", "monotonic_ns", "perf_counter_ns"),
    "uuid": ("uuid1", "uuid4"),
    "tempfile": ("mkdtemp", "mktemp"),
    "threading": ("get_ident",),
    "socket": ("gethostname",),
}

#: They are imported, so that each process records the same ones.
_LOADED = (os, random, socket, threading, time, uuid)


class Step(NamedTuple):
    """A line that is about to run, with the plain local values that have changed; or a return."""

    file: str
    line: int
    function: str
    values: tuple[tuple[str, str], ...] = ()
    returned: str | None = None


class Question(NamedTuple):
    """A call of the system with its answer, and the line that made it."""

    call: str
    file: str
    line: int
    answer: str


class Record(NamedTuple):
    """A recorded call: its outcome as `outcome_of` takes it, its steps, its questions.

    It `is_cut` where there were too many steps.
    """

    kind: str
    result: object
    steps: tuple[Step, ...]
    questions: tuple[Question, ...]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """Return the record of a call in place of its result; inside of another treatment."""

    treatment: Around | None = None

    def __call__(self, function: Function) -> Function:
        """Return the function that records."""

        def call(*args: object, **kwargs: object) -> object:
            steps, questions = _Steps(), list[Question]()
            tracing = sys.gettrace()
            # A collection runs finalizers, and callbacks such as hypothesis', that are none of it.
            with without_collection(), _asked(questions):
                sys.settrace(steps.enter)
                try:
                    kind, result = "value", function(*args, **kwargs)
                except BaseException as error:
                    failure = describe(error)
                    kind, result = "failure", (failure.type, failure.text)
                finally:
                    sys.settrace(tracing)
            found = tuple(steps.found)
            return Record(kind, result, found, tuple(questions), len(found) >= MOST_LINES)

        return call if self.treatment is None else self.treatment(call)


class _Steps:
    """The steps of the thread that it traces, in code that is neither Python's nor ours."""

    def __init__(self) -> None:
        self.found: list[Step] = []
        self._is_traced: dict[str, bool] = {}
        self._before: dict[int, dict[str, str]] = {}

    def enter(self, frame: FrameType, event: str, given: object) -> Any:  # noqa: ARG002, its signature
        """Trace a function that is called, if it is to be traced."""
        name = frame.f_code.co_filename
        if name not in self._is_traced:
            self._is_traced[name] = is_under_test(name, frame)
        if not self._is_traced[name]:
            return None
        self._before[id(frame)] = {}
        return self._step

    def _step(self, frame: FrameType, event: str, given: object) -> Any:
        if event not in ("line", "return"):
            return self._step
        if len(self.found) >= MOST_LINES:
            sys.settrace(None)
            return None
        before = self._before.setdefault(id(frame), {})
        now = _plain(frame.f_locals)
        changed = tuple((k, v) for k, v in now.items() if before.get(k) != v)
        before.update(changed)
        returned = None
        if event == "return":
            returned = _text(given) if id(type(given)) in ATOM_IDS else ""
            del self._before[id(frame)]
        code = frame.f_code
        self.found.append(Step(code.co_filename, frame.f_lineno, _name(code), changed, returned))
        return self._step


def _name(code: CodeType) -> str:
    return getattr(code, "co_qualname", code.co_name).rpartition("<locals>.")[2]


def _plain(values: Mapping[str, object]) -> dict[str, str]:
    """Return the texts of the values that are plain; names with `@` are pytest's own."""
    return {
        name: _text(value)
        for name, value in list(values.items())
        if id(type(value)) in ATOM_IDS and not name.startswith("@")
    }


def _text(value: object) -> str:
    return shorten(show(value), SHOWN)


def is_under_test(file: str, frame: FrameType) -> bool:
    """Return whether a file is neither of Python, nor of pytest, nor of this package."""
    if file.startswith("<") or frame.f_globals.get("__name__", "").partition(".")[0] in _OURS:
        return False
    return not is_python(file)


@contextmanager
def _asked(found: list[Question]) -> Iterator[None]:
    """Record calls of the system inside the block, from code under test only.

    Threads that run already are none of its.
    """
    others = frozenset(sys._current_frames()) - {get_ident()}
    replaced: dict[int, Callable[..., object]] = {}
    for module, names in _ASKED.items():
        for name in names:
            real = getattr(sys.modules.get(module), name, None)
            if real is not None:
                replaced[id(real)] = _recording(real, f"{module}.{name}", found, others)
    undo: list[tuple[dict[str, Any], str, object]] = []
    for holder in list(sys.modules.values()):
        names_there = getattr(holder, "__dict__", {})
        if getattr(holder, "__name__", "").partition(".")[0] in _OURS:
            continue
        for name, value in list(names_there.items()):
            if id(value) in replaced:  # modules that have imported it by name, too
                undo.append((names_there, name, value))
                names_there[name] = replaced[id(value)]
    environ: Any = type(os.environ)
    get = environ.__getitem__
    environ.__getitem__ = _recording(get, "os.environ", found, others)
    try:
        yield
    finally:
        environ.__getitem__ = get
        for names_there, name, value in undo:
            names_there[name] = value


def _recording(
    real: Callable[..., Any], name: str, found: list[Question], others: Set[int]
) -> Callable[..., Any]:
    is_item = name == "os.environ"

    def ask(*args: Any, **kwargs: Any) -> Any:
        frame = sys._getframe(1)
        while is_item and frame.f_back is not None and frame.f_code.co_filename in _ENVIRONMENT:
            frame = frame.f_back  # `get` and `getenv` are Python's
        file = frame.f_code.co_filename
        is_ours = get_ident() not in others and is_under_test(file, frame)
        if len(found) >= MOST_CALLS or not is_ours:
            return real(*args, **kwargs)
        call = f"os.environ[{args[1]!r:.40}]" if is_item else f"{name}()"
        try:
            answer = real(*args, **kwargs)
        except KeyError:
            found.append(Question(call, file, frame.f_lineno, "unset"))
            raise
        found.append(Question(call, file, frame.f_lineno, _text(answer)))
        return answer

    return ask


#: The modules through which the environment is read.
_ENVIRONMENT = {os.__file__, sys.modules["_collections_abc"].__file__, "<frozen os>"} | {
    "<frozen _collections_abc>"
}
