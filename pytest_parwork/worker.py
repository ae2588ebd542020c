"""All that runs inside a worker: attach to a run, carry out batches, store every outcome."""

from __future__ import annotations

import faulthandler
import importlib
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol, cast

from .clock import now
from .deadline import TimedOut, deadline
from .errors import BackendError, PayloadError
from .groups import enroll
from .ledger import Kind, Ledger, State
from .limits import limit_thread, limit_worker
from .model import Address, Failure, Task
from .modules import take_over
from .payload import Call, Handle, Header, dumps, explain, snapshot
from .schedule import Batch
from .spool import Spool, read_record
from .stacks import keep_stack

__all__ = [
    "Attached",
    "BatchCall",
    "ProcessCall",
    "Record",
    "ThreadCall",
    "describe",
    "find",
    "is_skip",
    "pack",
]

#: Longest text of an exception, or of its traceback, that is kept.
TEXT_LIMIT = 20_000

#: Seconds between two looks at whether the others have arrived.
GLANCE = 0.0003

#: A failure as it stands in a spool: as text, and the pickled exception if it survives that.
Record = tuple[Failure, "bytes | None"]


class BatchCall(Protocol):
    """What a backend's library is asked to call for each batch.

    It returns the batch's number; where nothing is shared, the outcomes as bytes.
    """

    def __call__(self, batch: Batch, /) -> Any: ...


class ThreadCall:
    """Carry out batches in threads of this process, where the outcomes are shared anyway.

    `overdue` are the tasks that had their time, where this call could end them itself: in the main
    thread.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        arguments: Sequence[tuple[tuple[object, ...], dict[str, object]]],
        ledger: Ledger,
        *,
        patience: float,
        threads: int,
    ) -> None:
        self._threads = threads
        self._tasks = tasks
        self._arguments = arguments
        self._ledger = ledger
        self._patience = patience
        self._waited = threading.local()
        self._lock = threading.Lock()
        self._begun: set[int] = set()
        self._left: set[int] = set()
        self.outcomes: dict[int, tuple[Kind, object, Failure | None]] = {}
        self.overdue: set[int] = set()

    def __call__(self, batch: Batch, /) -> int:
        worker = threading.get_native_id()
        with self._lock:
            if batch.number in self._left:
                return batch.number
            self._begun.add(batch.number)
        if not hasattr(self._waited, "done"):
            self._waited.done = True
            limit_thread(self._threads)
            _meet(self._ledger, batch, worker, self._patience)
        with suppress(TimedOut):  # the runner has given up the task, and the thread with it
            for number in batch.tasks:
                if batch.number in self._left:
                    break
                self._carry_out(number, worker)
        return batch.number

    def take_back(self, batch: Batch, /) -> bool:
        """Have `batch` not carried out, False if a thread has begun with it."""
        with self._lock:
            if batch.number in self._begun:
                return False
            self._left.add(batch.number)
            return True

    def give_up(self, batch: Batch, task: int, /) -> bool:
        """Leave `task` to its thread, and end that where it runs Python; False if it has ended.

        A thread that waits in C goes on until it comes back, and then ends too.
        """
        with self._lock:
            state = self._ledger.state(task)
            if state not in (State.STARTED, State.ENDED):
                return False
            self._left.add(batch.number)
            if state is State.ENDED:  # it is being copied, which takes as long
                return True
            worker = self._ledger.worker(task)
            for thread in threading.enumerate():
                if thread.native_id == worker and thread is not threading.main_thread():
                    _raise_in(thread)
            return True

    def _carry_out(self, number: int, worker: int) -> None:
        if self._ledger.state(number) is State.PENDING:
            self._ledger.arrive(number, worker, now())
        args, kwargs = self._arguments[number]
        task = self._tasks[number]
        self._ledger.start(number, now())
        try:
            with deadline(task.timeout):
                kind, value = _perform(task.function, args, kwargs)
        except TimedOut:
            if not _is_main_thread():
                raise
            self.overdue.add(number)
            return
        if isinstance(value, KeyboardInterrupt) and kind == "failure" and _is_main_thread():
            raise value  # Ctrl-C, or as good as that: it would end the serial run as well
        with self._lock:  # from here on it cannot be given up
            self._ledger.end(number, now())
        failure = None
        if kind == "value":
            value = snapshot(value)
        elif isinstance(value, BaseException):
            failure = describe(value, value)
        self.outcomes[number] = (kind, value, failure)
        self._ledger.store(number, kind, 0, 0, 0)


class ProcessCall:
    """Carry out batches in another process of this machine; travels with every batch."""

    __slots__ = ("_handle",)

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def __reduce__(self) -> tuple[type[ProcessCall], tuple[Handle]]:
        return ProcessCall, (self._handle,)

    def __call__(self, batch: Batch, /) -> int:
        run = Attached.to(self._handle)
        worker = os.getpid()
        if not run.has_met:
            run.has_met = True
            _meet(run.ledger, batch, worker, run.header.patience)
        for number in batch.tasks:
            run.carry_out(number, worker)
        return batch.number


class Attached:
    """What a worker process holds of the run that it works for, one at a time."""

    current: Attached | None = None

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._fd = os.open(handle.path, os.O_RDONLY)
        header = read_record(self._fd, handle.offset, handle.length)
        assert isinstance(header, Header)
        if header.runner == os.getpid():
            raise BackendError("it runs tasks in the process of pytest, not in workers")
        self.header = header
        self.has_met = False
        _stand_alone()
        if header.registry is not None:
            enroll(header.registry)
        take_over(header.modules, header.path)
        self._functions = [self._function(entry) for entry in header.functions]
        if header.threads is not None:
            limit_worker(header.threads)
        self.ledger = Ledger.open(header.ledger)
        self.spool = Spool.claim(header.spools)
        self._stack = keep_stack(header.stacks, self.spool.number)

    @classmethod
    def to(cls, handle: Handle) -> Attached:
        """Return the attachment to the run of `handle`, made on the first batch."""
        # A forked child inherits its parent's attachment: same run, another process's spool.
        if cls.current is None or cls.current._handle.run != handle.run:
            if cls.current is not None:
                cls.current.close()
                cls.current = None  # it is gone even if the next cannot be made
            cls.current = cls(handle)
        return cls.current

    def close(self) -> None:
        faulthandler.disable()  # it would write to a descriptor that is something else by then
        os.close(self._stack)
        os.close(self._fd)
        self.spool.close()

    def carry_out(self, number: int, worker: int) -> None:
        """Run one task and store its outcome, whatever it is."""
        if self.ledger.state(number) is State.PENDING:  # else it has waited in the rendezvous
            self.ledger.arrive(number, worker, now())
        call = self.header.calls[number]
        assert call is not None, "a refused task was sent"
        kind: Kind = "failure"
        value: object = self._functions[call.function]
        if not isinstance(value, BaseException):
            try:
                function = find(value) if isinstance(value, Address) else value
                assert callable(function)
                args, kwargs = self._arguments(call)
            except BaseException as error:
                value = error
            else:
                self.ledger.start(number, now())
                kind, value = _perform(function, args, kwargs)
                self.ledger.end(number, now())
                del args, kwargs
        self._store(number, kind, value)

    def _arguments(self, call: Call) -> tuple[list[object], dict[str, object]]:
        """Load fresh copies of the arguments; the same object twice stays one object."""
        wanted = {*call.args, *(value for _, value in call.kwargs)}
        seen = {value: self._load(value) for value in wanted}
        return (
            [seen[value] for value in call.args],
            {key: seen[value] for key, value in call.kwargs},
        )

    def _load(self, value: int) -> object:
        return read_record(self._fd, *self.header.values[value])

    def _function(self, entry: Address | int) -> Callable[..., object] | Address | BaseException:
        """Resolve a function once: what is wrong with it is told by each task that needs it."""
        try:
            if isinstance(entry, int):
                function = self._load(entry)
                assert callable(function)
                return cast("Callable[..., object]", function)
            function = find(entry)
        except BaseException as error:
            return error
        # A method is bound to a fresh instance for every task, as pytest does.
        return entry if entry.classes else function

    def _store(self, number: int, kind: Kind, value: object) -> None:
        kind, data, buffers = pack(kind, value)
        place = self.spool.append(data, buffers)
        self.ledger.store(number, kind, self.spool.number, *place)


def pack(kind: Kind, value: object) -> tuple[Kind, bytes, list[pickle.PickleBuffer]]:
    """Serialise an outcome, with its large buffers apart; what cannot travel is a failure."""
    buffers: list[pickle.PickleBuffer] = []
    if kind == "value":
        try:
            return kind, dumps(value, buffers), buffers
        except BaseException as error:
            kind = "failure"
            value = PayloadError(
                f"the result cannot travel back from a worker: {explain(value, error)}"
            )
    assert isinstance(value, BaseException)
    record: Record = (describe(value), _survivor(value))
    return kind, pickle.dumps(record, protocol=5), []


def find(address: Address) -> Callable[..., object]:
    """Return the function at `address`, on a fresh instance of the class around it."""
    target: object = importlib.import_module(address.module)
    for name in address.classes:
        target = getattr(target, name)
    if address.classes:
        assert isinstance(target, type)
        target = target()
    function = getattr(target, address.attribute)
    assert callable(function)
    return cast("Callable[..., object]", function)


def _perform(
    function: Callable[..., object], args: Sequence[object], kwargs: Mapping[str, object]
) -> tuple[Kind, object]:
    """Call, and return what came: a value, a failure or a skip."""
    try:
        return "value", function(*args, **kwargs)
    except TimedOut:  # raised by the runner, not by the function
        raise
    except BaseException as error:
        # SystemExit, KeyboardInterrupt and pytest's own outcomes end a library's worker.
        return ("skip" if is_skip(error) else "failure"), error


def is_skip(error: BaseException) -> bool:
    """Recognise `pytest.skip()` and `unittest.SkipTest` without importing either."""
    return any(
        (cls.__module__, cls.__qualname__)
        in {("_pytest.outcomes", "Skipped"), ("builtins", "Skipped"), ("unittest.case", "SkipTest")}
        for cls in type(error).__mro__
    )


def describe(error: BaseException, kept: BaseException | None = None) -> Failure:
    """Put an exception into words that need no class of it; `kept` is the object, where it stays.

    Frames of this package, at the outer end, are left out.
    """
    frames = _own_frames_removed(error.__traceback__)
    where, source = None, ""
    summary = traceback.extract_tb(frames)
    if summary:
        last = summary[-1]
        where, source = (last.filename, last.lineno or 0), last.line or ""
    try:
        text = str(error)
    except BaseException as inner:
        text = f"<its text cannot be had: {type(inner).__name__}>"
    try:
        told = "".join(traceback.format_exception(type(error), error, frames))
    except BaseException:
        told = text
    return Failure(
        type=_type_name(type(error)),
        text=text[:TEXT_LIMIT],
        traceback=told[-TEXT_LIMIT:],
        where=where,
        source=source,
        is_assertion=isinstance(error, AssertionError),
        exception=kept,
    )


def _type_name(kind: type) -> str:
    """Name a class in full, but for the built-in ones and our errors."""
    name = f"{kind.__module__}.{kind.__qualname__}"
    return name.removeprefix("builtins.").removeprefix(f"{PayloadError.__module__}.")


def _own_frames_removed(frames: TracebackType | None) -> TracebackType | None:
    own = os.path.dirname(__file__)
    while frames is not None and os.path.dirname(frames.tb_frame.f_code.co_filename) == own:
        frames = frames.tb_next
    return frames


def _survivor(error: BaseException) -> bytes | None:
    """Pickle an exception if it comes back from its pickle as it was, else None."""
    try:
        data = dumps(error)
        back = pickle.loads(data)
        # An __init__ that makes a text of its arguments is given that text, and adds to it.
        is_same = type(back) is type(error) and str(back) == str(error)
    except BaseException:
        return None
    return data if is_same else None


def _meet(ledger: Ledger, batch: Batch, worker: int, patience: float) -> None:
    """Wait with the first task in hand until the runner says that all have arrived."""
    ledger.arrive(batch.tasks[0], worker, now())
    deadline = now() + patience
    while not ledger.is_released and now() < deadline:
        time.sleep(GLANCE)


def _stand_alone() -> None:
    """Make this process the first of a group, which ends with it, and leave Ctrl-C to the runner.

    A handler that does nothing, not SIG_IGN: programs started by a task would inherit that.
    """
    if hasattr(os, "setpgid"):
        with suppress(OSError):  # the leader of a session is one already
            os.setpgid(0, 0)
    if _is_main_thread():
        signal.signal(signal.SIGINT, lambda *_: None)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _raise_in(thread: threading.Thread) -> None:
    import ctypes  # here, because workers that are processes never need it

    ident = ctypes.c_ulong(thread.ident or 0)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(TimedOut))
