"""The worker's side of a station: a process with the tasks of a run that calls what it is sent."""

from __future__ import annotations

import os
import pickle
import select
import socket
from contextlib import suppress
from typing import Literal, NamedTuple

from ..machine.clock import now
from ..model.work import Batch
from ..transport.failures import describe
from ..transport.pickling import dumps
from .arrival import Interruptible
from .processes import ProcessCall

#: Bytes of the length that stands before a message.
LENGTH = 8


class Answer(NamedTuple):
    """What a job gave: its value, or the text of an exception."""

    kind: Literal["value", "failure"]
    result: object


class Serving:
    """In place of a batch, call what arrives on a socket, until its other end is closed."""

    def __init__(self, call: ProcessCall, end: socket.socket) -> None:
        self._call = call
        self._end = end

    def __call__(self, batch: Batch, /) -> int:
        why = self._attached(batch.tasks[0])
        perform = Interruptible()
        while (data := receive(self._end.fileno())) is not None:
            answer = Answer("failure", why) if why else _answer(perform, data)
            with suppress(OSError):  # nobody waits for it any more
                self._end.sendall(framed(dumps(answer)))
        return batch.number

    def _attached(self, number: int) -> str:
        """Attach to the run as for a task; return why that fails, empty if it does not."""
        try:
            self._call.attach().prepare(number)
        except Exception as error:
            return _text(error)
        return ""


def _answer(perform: Interruptible, data: bytes) -> Answer:
    try:
        job = pickle.loads(data)
    except Exception as error:
        return Answer("failure", _text(error))
    kind, value = perform(job, (), {})
    if kind != "value" and isinstance(value, BaseException):
        return Answer("failure", _text(value))
    return Answer("value", value)


def _text(error: BaseException) -> str:
    failure = describe(error)
    return f"{failure.type}: {failure.text}"


def framed(data: bytes) -> bytes:
    """Return a message with its length before it."""
    return len(data).to_bytes(LENGTH, "big") + data


def receive(fd: int, until: float | None = None) -> bytes | None:
    """Receive a message; None if it is too late, or the other end was closed before its end.

    The other end may stay open for ever: a process that a case has left behind has it, too.
    """
    found = bytearray()
    size = LENGTH
    while len(found) < size:
        left = None if until is None else max(0.0, until - now())
        if not select.select([fd], [], [], left)[0]:
            return None
        chunk = os.read(fd, 1 << 20)
        if not chunk:
            return None
        found += chunk
        if len(found) >= LENGTH:
            size = LENGTH + int.from_bytes(found[:LENGTH], "big")
    return bytes(found[LENGTH:])
