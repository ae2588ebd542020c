"""What travels to the workers, serialised once: functions, shared values, arguments, modules."""

from __future__ import annotations

import copy
import functools
import os
import pickle
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import CellType, FunctionType, MethodType
from typing import NamedTuple, cast

from .errors import PayloadError
from .ledger import Files, Ledger
from .model import Address, Task
from .modules import ModuleTable
from .spool import Buffer, write_record
from .stacks import size_of_stacks

__all__ = [
    "Call",
    "Handle",
    "Header",
    "Payload",
    "copy_arguments",
    "dumps",
    "snapshot",
]

#: Buffers below this many bytes stay inside the pickle: a mapping costs more than the copy.
OUT_OF_BAND = 1 << 16

#: Types whose values cannot change, and are made of nothing that can.
ATOMS = frozenset({bool, bytes, complex, float, int, str, type(None)})

#: Where a value stands in the payload: offset and length of its record.
Place = tuple[int, int]


class Call(NamedTuple):
    """One task as a worker reads it: numbers of the function and of the argument values.

    A tuple, because every worker reads those of all tasks: 2,000 in 1 ms, as dataclasses in 3.
    """

    function: int
    args: tuple[int, ...]
    kwargs: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The table of contents, read once by every worker.

    `functions` are addresses, or numbers of values where the function travels itself. `runner` is
    the id of the process that runs pytest, `registry` the path of the list of workers, if any.
    """

    runner: int
    ledger: str
    spools: tuple[str, ...]
    stacks: str
    registry: str | None
    functions: tuple[Address | int, ...]
    calls: tuple[Call | None, ...]
    values: tuple[Place, ...]
    modules: ModuleTable
    path: tuple[str, ...]
    threads: int | None
    patience: float


@dataclass(frozen=True, slots=True)
class Handle:
    """What goes with every batch: where the payload is, and which run it belongs to."""

    path: str
    offset: int
    length: int
    run: str


def dumps(value: object, buffers: list[pickle.PickleBuffer] | None = None) -> bytes:
    """Serialise by reference where possible, else by value through cloudpickle.

    Large contiguous buffers go to `buffers`, where given. Raises what pickling raised, whatever
    class that is.
    """
    if type(value) in ATOMS:
        return pickle.dumps(value, protocol=5)

    def keep(buffer: pickle.PickleBuffer) -> bool:
        assert buffers is not None
        view = buffer.raw()
        if view.nbytes < OUT_OF_BAND:
            return True
        buffers.append(buffer)
        return False

    callback = None if buffers is None else keep
    try:
        data = pickle.dumps(value, protocol=5, buffer_callback=callback)
    except Exception:
        pass
    else:
        if b"__main__" not in data:  # which is another module in a worker
            return data
    import cloudpickle  # here, because most runs never need it

    if buffers is not None:
        buffers.clear()
    return bytes(cloudpickle.dumps(value, protocol=5, buffer_callback=callback))


@dataclass(slots=True)
class Payload:
    """The file being written, and what could not be put into it.

    `refused` holds, by task number, why a task cannot be sent. `stacks` is the descriptor of the
    file in which workers leave theirs.
    """

    handle: Handle
    stacks: int
    refused: dict[int, PayloadError] = field(default_factory=dict)

    @classmethod
    def write(
        cls,
        tasks: Sequence[Task],
        files: Files,
        *,
        run: str,
        spools: int,
        modules: ModuleTable,
        threads: int | None,
        patience: float,
        registry: str | None = None,
    ) -> tuple[Payload, Ledger, list[int]]:
        """Serialise `tasks` into a new file among `files`, beside a ledger and `spools` spools.

        Returns the payload, the ledger and the descriptors of the spools. `patience` is the
        seconds that a worker waits for the others before its first task.
        """
        fd, path = files.create("payload")
        _, ledger_path = files.create("ledger", Ledger.size(len(tasks)))
        spooled = [files.create(f"spool-{number}") for number in range(spools)]
        stacks, stacks_path = files.create("stacks", size_of_stacks(spools))
        writer = _Writer(fd)
        refused: dict[int, PayloadError] = {}
        calls: list[Call | None] = []
        for number, task in enumerate(tasks):
            try:
                calls.append(writer.call(task))
            except PayloadError as error:
                calls.append(None)
                # Its traceback would keep the frames of this run alive, with all its values.
                refused[number] = error.with_traceback(None)
        header = Header(
            runner=os.getpid(),
            ledger=ledger_path,
            spools=tuple(path for _, path in spooled),
            stacks=stacks_path,
            registry=registry,
            functions=tuple(writer.functions),
            calls=tuple(calls),
            values=tuple(writer.places),
            modules=modules,
            path=tuple(sys.path),
            threads=threads,
            patience=patience,
        )
        offset, length = writer.append(header, "the table of contents")
        writer.flush()
        handle = Handle(path, offset, length, run)
        return cls(handle, stacks, refused), Ledger.open(ledger_path), [fd for fd, _ in spooled]


class _Writer:
    """Write values one after the other, each object once."""

    def __init__(self, fd: int) -> None:
        self._file = os.fdopen(fd, "wb", closefd=False)
        self._end = 0
        self._numbers: dict[int, int] = {}
        self._kept: list[object] = []  # what was seen stays alive, or ids would be used again
        self._buffers: dict[tuple[int, int], tuple[int, Buffer]] = {}
        self._function_numbers: dict[Address | int, int] = {}
        self._failed: dict[int, str] = {}
        self.places: list[Place] = []
        self.functions: list[Address | int] = []

    def call(self, task: Task) -> Call:
        function = task.address or self.value(task.function, "the function")
        number = self._function_numbers.setdefault(function, len(self.functions))
        if number == len(self.functions):
            self.functions.append(function)
        return Call(
            number,
            tuple(self.value(arg, f"argument {n}") for n, arg in enumerate(task.args, start=1)),
            tuple((key, self.value(arg, f"argument {key!r}")) for key, arg in task.kwargs.items()),
        )

    def value(self, value: object, name: str) -> int:
        key = id(value)
        if key in self._failed:
            raise PayloadError(f"{name} {self._failed[key]}")
        if key not in self._numbers:
            self._kept.append(value)
            try:
                place = self.append(value, name)
            except PayloadError as error:
                self._failed[key] = str(error).removeprefix(f"{name} ")
                raise
            self._numbers[key] = len(self.places)
            self.places.append(place)
        return self._numbers[key]

    def append(self, value: object, name: str) -> Place:
        buffers: list[pickle.PickleBuffer] = []
        why = ""
        try:
            data = dumps(value, buffers)
        except Exception as error:
            why = explain(value, error)
        if why:
            raise PayloadError(f"{name} cannot travel to a worker: {why}")
        offset = self._end
        length = write_record(self._write, offset, data, buffers, self._buffers)
        self._end += length
        return offset, length

    def flush(self) -> None:
        self._file.flush()

    def _write(self, chunk: Buffer) -> None:
        self._file.write(chunk)


def explain(value: object, error: BaseException) -> str:
    """Say which part of `value` cannot be pickled, and why: `.model.lock: cannot pickle …`."""
    path, seen = "", {id(value)}
    found = True
    while found:
        found = False
        try:
            parts = _parts(value)
        except Exception:  # whoever cannot be asked is the last that can be named
            break
        for step, part in parts:
            if id(part) in seen:
                continue
            seen.add(id(part))
            try:
                dumps(part)
            except BaseException as inner:  # what a task gave may raise anything, SystemExit too
                value, error, found = part, inner, True
                path += step
                break
    text = str(error).partition("\n")[0][:200] or type(error).__name__
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    return f"{path or 'it'} is a {kind}: {text}"


def _parts(value: object) -> list[tuple[str, object]]:
    """Return the parts of `value` with the code that leads to each."""
    if isinstance(value, dict):
        return [(f"[{key!r:.60}]", part) for key, part in value.items()]
    if isinstance(value, list | tuple):
        return [(f"[{number}]", part) for number, part in enumerate(value)]
    if isinstance(value, functools.partial):
        return [(".func", value.func), (".args", value.args), (".keywords", value.keywords)]
    if isinstance(value, MethodType):
        return [(".__self__", value.__self__)]
    if isinstance(value, FunctionType):
        code = value.__code__
        cells = zip(code.co_freevars, value.__closure__ or (), strict=True)
        used = [(key, cell.cell_contents) for key, cell in cells if cell != CellType()]
        used += [(key, value.__globals__[key]) for key in code.co_names if key in value.__globals__]
        return [(f".<{key}>", part) for key, part in used]
    slots = [key for cls in type(value).__mro__ for key in getattr(cls, "__slots__", ())]
    missing = object()
    named = [(key, getattr(value, key, missing)) for key in slots if isinstance(key, str)]
    named += getattr(value, "__dict__", {}).items()
    return [(f".{key}", part) for key, part in named if part is not missing]


def copy_arguments(tasks: Sequence[Task]) -> list[tuple[tuple[object, ...], dict[str, object]]]:
    """Return one copy of all arguments, shared among the tasks as the originals are.

    So a task in a thread may spoil its arguments, and those of other tasks, but never the input of
    the serial run. What cannot be copied (a lock, an open file) is passed as it is.
    """
    calls = [(task.args, dict(task.kwargs)) for task in tasks]
    try:
        return cast("list[tuple[tuple[object, ...], dict[str, object]]]", _copy(calls))
    except Exception:
        memo: dict[int, object] = {}
        return [
            (
                tuple(_copy_or_keep(arg, memo) for arg in args),
                {key: _copy_or_keep(arg, memo) for key, arg in kwargs.items()},
            )
            for args, kwargs in calls
        ]


def snapshot(value: object) -> object:
    """Return a copy of what a thread gave, as a process sends one: later writes leave it alone.

    What cannot be copied is returned as it is.
    """
    if type(value) in ATOMS:
        return value
    try:
        return _copy(value)
    except KeyboardInterrupt:
        raise
    except BaseException:  # a `__reduce__` may raise SystemExit
        return value


def _copy(value: object) -> object:
    buffers: list[pickle.PickleBuffer] = []
    try:
        data = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    except Exception:
        # Not cloudpickle: what it loads overwrites the attributes of local classes, live here.
        return copy.deepcopy(value)
    return pickle.loads(
        data,
        buffers=[
            memoryview(bytearray(view)).toreadonly() if view.readonly else bytearray(view)
            for view in (buffer.raw() for buffer in buffers)
        ],
    )


def _copy_or_keep(value: object, memo: dict[int, object]) -> object:
    if id(value) not in memo:
        try:
            memo[id(value)] = _copy(value)
        except Exception:
            memo[id(value)] = value
    return memo[id(value)]
