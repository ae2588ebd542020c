"""The payload of a run: functions, shared values and arguments, serialised once for all workers."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeAlias, cast

from ..machine.deadline import TimedOut, deadline
from ..machine.surroundings import Surroundings
from ..model.dataclass import dataclass
from ..model.outcome import NotSent
from ..model.output import Capture
from ..model.work import Address, Task
from .culprit import find_culprit
from .files import Files
from .held import load_sent
from .identity import Identities
from .joint import Holdings
from .modules import ModuleTable
from .pickling import dumps
from .records import Buffer, read_record, write_record
from .rewritten import RewrittenCode

#: Where a value is in the payload: offset and length of its record.
Place = tuple[int, int]


class Part(NamedTuple):
    """The place of a value that was serialised with others: number of the tuple, index in it."""

    whole: int
    at: int


#: Wraps the function of a task where it runs.
Around: TypeAlias = Callable[[Callable[..., object]], Callable[..., object]]

#: Pickles up to so many bytes are in the table of contents, of which every worker has a copy: a
#: trivial task would take twice as long if it had to read its argument from the file.
SMALL = 256


class Call(NamedTuple):
    """One task as a worker reads it: numbers of the function and of the argument values, its test.

    It is a tuple, because every worker reads those of all tasks: 2,000 in 1 ms; as dataclasses they
    would take 3 ms.
    """

    function: int
    args: tuple[int, ...]
    kwargs: tuple[tuple[str, int], ...]
    test: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The table of contents of a payload.

    `functions` are addresses, or numbers of values where the function itself was serialised.
    A call is None if its task cannot be sent, or does not have to be.
    """

    functions: tuple[Address | int, ...]
    calls: tuple[Call | None, ...]
    values: tuple[Place | bytes | Part, ...]

    def load(self, number: int, fd: int, seen: dict[int, object]) -> object:
        """Load a value from the file of the payload, with `seen`, which has those of its task."""
        if number not in seen:
            place = self.values[number]
            if isinstance(place, Part):
                whole = cast("tuple[object, ...]", self.load(place.whole, fd, seen))
                seen[number] = whole[place.at]
            elif isinstance(place, bytes):
                seen[number] = load_sent(place)
            else:
                seen[number] = read_record(fd, *place, load_sent)
        return seen[number]


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """A file of serialised tasks, which does not change once it is written.

    So it is a snapshot, too: tasks only modify the copies of arguments that their workers have
    loaded. `rejected` holds, by task number, why a task cannot be sent.
    """

    path: str
    contents: Contents
    rejected: Mapping[int, NotSent]

    @classmethod
    def write(cls, tasks: Sequence[Task], files: Files) -> Payload:
        """Serialise `tasks` into a new file among `files`."""
        fd, path = files.create("payload")
        writer = _Writer(fd)
        rejected: dict[int, NotSent] = {}
        calls: list[Call | None] = []
        for number, task in enumerate(tasks):
            try:
                calls.append(None if task.is_inherited else writer.call(task))
            except _RejectedError as error:
                calls.append(None)
                rejected[number] = error.why
        writer.flush()
        files.freeze(fd)
        contents = Contents(
            functions=tuple(writer.functions), calls=tuple(calls), values=tuple(writer.places)
        )
        return cls(path=path, contents=contents, rejected=rejected)

    def excerpt(self, tasks: Sequence[int]) -> Payload:
        """Return the payload of these tasks only, renumbered in their order, in the same file."""
        return Payload(
            path=self.path,
            contents=replace(
                self.contents, calls=tuple(self.contents.calls[number] for number in tasks)
            ),
            rejected={
                new: self.rejected[old] for new, old in enumerate(tasks) if old in self.rejected
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The settings that every worker of a run reads once.

    `rewritten` is the code of modules whose assertions pytest has rewritten, `path` is `sys.path`
    of the process that runs pytest, `patience` the seconds that a worker waits for the others
    before its first task. `capture` says which output of tasks has to be returned, `around` wraps
    their functions, `surroundings` are what the worker takes over if it may have started before
    the run.
    """

    contents: Contents
    modules: ModuleTable
    rewritten: RewrittenCode
    path: tuple[str, ...]
    threads: int | None
    patience: float
    capture: Capture | None = None
    around: Around | None = None
    surroundings: Surroundings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The files by which the workers of this machine share data with the runner.

    `payload`, `ledger`, `spools` and `stacks` are paths of files, `registry` that of the list of
    workers, if any; `outputs` are the files for stdout and stderr by place of the worker. `runner`
    is the id of the process that runs pytest, `start_method` its default start method.
    """

    payload: str
    ledger: str
    spools: tuple[str, ...]
    stacks: str
    registry: str | None
    outputs: tuple[tuple[str, str], ...]
    runner: int
    start_method: str


@dataclass(frozen=True, slots=True)
class Handle:
    """Sent with every batch: the file with header and places, and the run that it belongs to."""

    path: str
    run: str

    @classmethod
    def write(cls, header: Header, places: Places, files: Files, *, run: str) -> Handle:
        """Write header and places, which workers read first, to a new file among `files`."""
        fd, path = files.create("header")
        buffers: list[pickle.PickleBuffer] = []
        data = dumps((header, places), buffers)
        with open(fd, "wb", closefd=False) as file:
            write_record(file.write, 0, data, buffers)
        files.freeze(fd)
        return cls(path, run)

    def read(self) -> tuple[Header, Places]:
        """Load header and places, in a worker."""
        with open(self.path, "rb") as file:
            header, places = cast(
                "tuple[Header, Places]",
                read_record(file.fileno(), 0, os.fstat(file.fileno()).st_size),
            )
        return header, places


class _RejectedError(Exception):
    """Raised for a value that cannot be sent."""

    def __init__(self, why: NotSent) -> None:
        super().__init__(why.detail)
        self.why = why


class _Writer:
    """Writes values one after the other, each object once."""

    def __init__(self, fd: int) -> None:
        self._file = os.fdopen(fd, "wb", closefd=False)
        self._end = 0
        self._numbers: dict[int, int] = {}
        self._kept: list[object] = []  # keeps seen objects alive, so that ids are not reused
        self._buffers: dict[tuple[int, int], tuple[int, Buffer]] = {}
        self._function_numbers: dict[Address | int, int] = {}
        self._failed: dict[int, tuple[str, str]] = {}  # why, and the path
        self._themselves = Identities()
        self._seconds: float | None = None  # the limit for a value: the timeout of its task
        self._holdings = Holdings()
        self._parts: dict[tuple[int, ...], dict[int, int]] = {}  # by ids
        self.places: list[Place | bytes | Part] = []
        self.functions: list[Address | int] = []

    def call(self, task: Task) -> Call:
        self._seconds = task.timeout
        function = task.address or self.value(task.function, "")
        number = self._function_numbers.setdefault(function, len(self.functions))
        if number == len(self.functions):
            self.functions.append(function)
        args = [self.value(arg, n) for n, arg in enumerate(task.args, start=1)]
        kwargs = {key: self.value(arg, key) for key, arg in task.kwargs.items()}
        if parts := self._together((*task.args, *task.kwargs.values())):
            args = [parts.get(id(arg), args[n]) for n, arg in enumerate(task.args)]
            kwargs = {key: parts.get(id(arg), kwargs[key]) for key, arg in task.kwargs.items()}
        return Call(number, tuple(args), tuple(kwargs.items()), task.test)

    def _together(self, values: Sequence[object]) -> Mapping[int, int]:
        """Serialise those that hold the same objects once more, together; return numbers by id."""
        linked = self._holdings.linked(values)
        if not linked:
            return {}
        ids = tuple(map(id, linked))
        if ids not in self._parts:
            whole = self.value(tuple(linked), 1)
            first = len(self.places)
            self.places += [Part(whole, index) for index in range(len(linked))]
            self._parts[ids] = {id: first + index for index, id in enumerate(ids)}
        return self._parts[ids]

    def value(self, value: object, name: int | str) -> int:
        """Return the number of a value; the one without a name is the function."""
        key = id(value)
        if key not in self._numbers and key not in self._failed:
            self._kept.append(value)
            self._add(key, value)
        if key in self._failed:
            raise _RejectedError(NotSent.of_argument(name, *self._failed[key]))
        return self._numbers[key]

    def _add(self, key: int, value: object) -> None:
        """Serialise a value, or note why that fails."""
        buffers: list[pickle.PickleBuffer] = []
        try:
            with deadline(self._seconds):
                is_limited = self._seconds is not None
                data = dumps(
                    value,
                    buffers,
                    themselves=self._themselves,
                    is_interruptible=is_limited,
                    remember=partial(self._holdings.note, value),
                )
        except TimedOut:
            self._failed[key] = f"could not be serialised within {self._seconds:g} s", ""
        except Exception as error:
            found = find_culprit(value, error)
            self._failed[key] = f"cannot be sent to a worker: {found.text}", found.path
        else:
            self._numbers[key] = len(self.places)
            is_small = len(data) <= SMALL and not buffers
            self.places.append(data if is_small else self._write_record(data, buffers))

    def _write_record(self, data: bytes, buffers: Sequence[pickle.PickleBuffer]) -> Place:
        offset = self._end
        length = write_record(self._write, offset, data, buffers, self._buffers)
        self._end += length
        return offset, length

    def flush(self) -> None:
        self._file.flush()

    def _write(self, chunk: Buffer) -> None:
        self._file.write(chunk)
