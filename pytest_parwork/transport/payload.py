"""What travels to the workers, serialised once: functions, shared values, arguments, modules."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..machine.deadline import TimedOut, deadline
from ..machine.stacks import size_of_stacks
from ..model.errors import PayloadError
from ..model.output import Capture
from ..model.work import Address, Task
from .culprit import explain
from .files import Files
from .ledger import Ledger
from .modules import ModuleTable
from .pickling import dumps
from .records import Buffer, write_record

__all__ = ["Call", "Handle", "Header", "Payload"]

#: Where a value stands in the payload: offset and length of its record; or the pickle itself.
Place = tuple[int, int]

#: Pickles up to so many bytes stand in the table of contents, of which every worker has a copy: a
#: task that takes no time would take twice as long if it had to read its argument from the file.
SMALL = 256


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
    the id of the process that runs pytest, `start_method` how it starts processes where nobody
    says how, `registry` the path of the list of workers, if any.
    `capture` says which output of tasks is to come back, `outputs` are the paths of the files for
    stdout and stderr by place of the worker.
    """

    runner: int
    start_method: str
    ledger: str
    spools: tuple[str, ...]
    stacks: str
    registry: str | None
    functions: tuple[Address | int, ...]
    calls: tuple[Call | None, ...]
    values: tuple[Place | bytes, ...]
    modules: ModuleTable
    path: tuple[str, ...]
    threads: int | None
    patience: float
    capture: Capture | None = None
    outputs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Handle:
    """What goes with every batch: where the payload is, and which run it belongs to."""

    path: str
    offset: int
    length: int
    run: str


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
        capture: Capture | None = None,
        outputs: tuple[tuple[str, str], ...] = (),
    ) -> tuple[Payload, Ledger, list[int]]:
        """Serialise `tasks` into a new file among `files`, beside a ledger and `spools` spools.

        Returns the payload, the ledger and the descriptors of the spools. `patience` is the
        seconds that a worker waits for the others before its first task.
        """
        fd, path = files.create("payload")
        table, ledger_path = files.create("ledger", Ledger.size(len(tasks)))
        spooled = [files.create(f"spool-{number}") for number in range(spools)]
        stacks, stacks_path = files.create("stacks", size_of_stacks(spools))
        for fixed in (table, stacks):
            files.keep_size(fixed)
        for growing, _ in spooled:
            files.keep_size(growing, may_grow=True)
        writer = _Writer(fd)
        refused: dict[int, PayloadError] = {}
        calls: list[Call | None] = []
        for number, task in enumerate(tasks):
            try:
                calls.append(None if task.is_inherited else writer.call(task))
            except PayloadError as error:
                calls.append(None)
                # Its traceback would keep the frames of this run alive, with all its values.
                refused[number] = error.with_traceback(None)
        header = Header(
            runner=os.getpid(),
            start_method=multiprocessing.get_context().get_start_method() or "",
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
            capture=capture,
            outputs=outputs,
        )
        offset, length = writer.append(header, "the table of contents")
        writer.flush()
        files.freeze(fd)
        handle = Handle(path, offset, length, run)
        ledger = Ledger.open(ledger_path)
        ledger.sign()
        return cls(handle, stacks, refused), ledger, [fd for fd, _ in spooled]


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
        self._seconds: float | None = None  # that a value may take: those of its task
        self.places: list[Place | bytes] = []
        self.functions: list[Address | int] = []

    def call(self, task: Task) -> Call:
        self._seconds = task.timeout
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
                data, buffers = self._pickled(value, name)
            except PayloadError as error:
                self._failed[key] = str(error).removeprefix(f"{name} ")
                raise
            self._numbers[key] = len(self.places)
            is_small = len(data) <= SMALL and not buffers
            self.places.append(data if is_small else self._write_record(data, buffers))
        return self._numbers[key]

    def append(self, value: object, name: str) -> Place:
        return self._write_record(*self._pickled(value, name))

    def _pickled(self, value: object, name: str) -> tuple[bytes, list[pickle.PickleBuffer]]:
        buffers: list[pickle.PickleBuffer] = []
        why = ""
        try:
            with deadline(self._seconds):
                data = dumps(value, buffers)
        except TimedOut:
            raise PayloadError(
                f"{name} could not be serialised within {self._seconds:g} s"
            ) from None
        except Exception as error:
            why = explain(value, error)
        if why:
            raise PayloadError(f"{name} cannot travel to a worker: {why}")
        return data, buffers

    def _write_record(self, data: bytes, buffers: Sequence[pickle.PickleBuffer]) -> Place:
        offset = self._end
        length = write_record(self._write, offset, data, buffers, self._buffers)
        self._end += length
        return offset, length

    def flush(self) -> None:
        self._file.flush()

    def _write(self, chunk: Buffer) -> None:
        self._file.write(chunk)
