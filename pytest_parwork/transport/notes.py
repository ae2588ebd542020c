"""The notes of a journal: the outcome of one task, as it is written and sent to the runner."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from ..machine.stacks import Stack
from ..machine.system import os
from .ledger import Kind

#: Before each note: the lengths of its description, and of the data after that, in bytes.
_LENGTHS = struct.Struct("<IQ")

#: The fields of an entry that a journal has in addition to its data; others are for dead tasks.
_PLAIN = ("task", "kind", "worker", "pid", "arrived", "started", "ended", "cpu")


class Entry(NamedTuple):
    """The outcome of one task, as it is sent to the runner; times on the clock of its host.

    `worker` names the worker, `pid` its process. `data` is the pickle of the outcome, `buffers` are
    its out-of-band buffers, `output` is the pickle of what the task printed, logged and warned. For
    a task that died with its process, `suspects` says how many tasks were running there, `stack` is
    the stack that the process has left. A *stopped* task was running, or had run, in a process when
    a signal stopped the process. A *left* one is still running in a process that is no longer part
    of the cluster. `cpu` are the CPU seconds of its thread.
    """

    task: int
    kind: Kind | Literal["died", "left", "stopped", "timeout"]
    worker: str
    pid: int
    arrived: float
    started: float
    ended: float = 0.0
    cpu: float = 0.0
    data: bytes = b""
    buffers: tuple[bytes, ...] = ()
    suspects: int = 1
    stack: Stack = Stack()
    output: bytes = b""

    @property
    def since(self) -> float:
        """When its latest phase began: loading its arguments, its call, storing its result."""
        return self.ended or self.started or self.arrived


class Begun(NamedTuple):
    """A phase of a task, noted before it, because the task may end its process."""

    batch: int
    entry: Entry


def encoded(note: Begun | Entry) -> bytes:
    """Return a note as it is written: two lengths, a description in JSON, the data of the entry."""
    batch, entry = note if isinstance(note, Begun) else (None, note)
    parts = (entry.data, entry.output, *entry.buffers)
    described = [batch, [getattr(entry, name) for name in _PLAIN], list(map(len, parts))]
    head = json.dumps(described).encode("ascii")
    return b"".join((_LENGTHS.pack(len(head), sum(map(len, parts))), head, *parts))


def _decoded(head: bytes, rest: bytes) -> Begun | Entry:
    """Undo `encoded`; raises `ValueError` if the note was not made by it."""
    try:
        batch, plain, lengths = json.loads(head)
        fields: dict[str, Any] = dict(zip(_PLAIN, plain, strict=True))
        ends = [sum(lengths[: n + 1]) for n in range(len(lengths))]
        parts = [rest[end - length : end] for end, length in zip(ends, lengths, strict=True)]
        data, output, *buffers = parts
    except (TypeError, RecursionError) as error:
        raise ValueError(f"no note: {error}") from error
    entry = Entry(**fields, data=data, output=output, buffers=tuple(buffers))
    return entry if batch is None else Begun(batch, entry)


def read_notes(fd: int) -> Iterator[Begun | Entry]:
    """Yield the notes in a journal, up to one that its process could not complete."""
    left = os.fstat(fd).st_size
    with open(fd, "rb", closefd=False) as file:
        while len(lengths := file.read(_LENGTHS.size)) == _LENGTHS.size:
            length, size = _LENGTHS.unpack(lengths)
            left -= _LENGTHS.size + length + size
            if left < 0:
                return
            try:
                yield _decoded(file.read(length), file.read(size))
            except ValueError:
                return
