"""Results as they are when a body returns, whatever tear-downs and other tasks do to them later."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from contextlib import suppress
from os import getpid  # imported now: a task may replace that of `os`
from types import FunctionType
from typing import Any

from ..machine.deadline import TimedOut
from ..model.outcome import NotSent
from ..transport.culprit import unsendable_result
from ..transport.failures import Record, describe, survivor
from ..transport.ledger import Kind
from ..transport.pickling import ATOM_IDS, Interruptible, by_reference, dumps, load
from .calling import end_copy_of
from .copies import copied, copied_buffer, copied_bytes, is_atom

#: An outcome as it is stored: its kind, its pickle, and the buffers apart from that.
Packed = tuple[Kind, bytes, list[pickle.PickleBuffer]]


class Pickled:
    """A result that is serialised, with large buffers apart; `not_sent` says why it cannot be.

    With `copies`, the buffers are copied, so that later writes do not change them. Without, they
    are those of the value, because a copy takes about as long as storing them. Its own pickle loads
    the value, or `not_sent`.
    """

    __slots__ = ("buffers", "data", "not_sent")

    def __init__(self, value: object, *, copies: bool) -> None:
        self.buffers: list[pickle.PickleBuffer] = []
        self.not_sent: NotSent | None = None
        try:
            self.data = dumps(value, self.buffers, is_result=True)
        except BaseException as error:
            self.buffers.clear()
            self.not_sent = unsendable_result(value, error)
            self.data = by_reference(self.not_sent, protocol=5)
        if copies:
            self.buffers[:] = map(_kept_buffer, self.buffers)

    @classmethod
    def of(cls, value: object) -> Pickled:
        """Return a result that may be serialised already; the buffers are not copied."""
        # Not isinstance, which asks a value for its class; that may raise.
        return value if type(value) is cls else cls(value, copies=False)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return _load, (self.data, *self.buffers)


class Copied:
    """A copy of a result, or the result itself if it cannot be copied.

    In the second case its digest tells whether it has changed since; one without a digest counts as
    unchanged. Its own pickle loads the value.
    """

    __slots__ = ("_digest", "_value")

    def __init__(self, value: object) -> None:
        self._digest: bytes | None = None
        try:
            self._value = value if is_atom(value) else _copied(value)
        except (KeyboardInterrupt, TimedOut):
            raise
        except BaseException:  # a `__reduce__` may raise SystemExit
            self._value = value
            self._digest = self._digest_now()

    @classmethod
    def of(cls, value: object) -> Copied:
        """Return a result that may be copied already."""
        # Not isinstance, which asks a value for its class; that may raise.
        return value if type(value) is cls else cls(value)

    @property
    def has_parts(self) -> bool:
        """Whether it is more than one number or text."""
        return not is_atom(self._value)

    def read(self) -> object:
        """Return the value, or a `NotSent` if it has changed since it was returned."""
        if self._digest is not None and self._digest_now() != self._digest:
            return NotSent(
                reason="result",
                detail=f"the result, of type {type(self._value).__name__}, changed after the body "
                f"returned it, and cannot be copied; return a copy of what is to be compared",
            )
        return self._value

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return _itself, (self.read(),)

    def _digest_now(self) -> bytes | None:
        from ..equivalence.digest import digest  # here, because few workers need it

        return digest(self._value)


def take(value: object, *, in_workers: bool) -> object:
    """Return a body's result in the form that is kept: for `in_workers`, one that can be sent."""
    if is_atom(value):
        return value
    return Pickled(value, copies=True) if in_workers else Copied(value)


def _copied(value: object) -> object:
    try:
        return copied(value)
    except Exception:
        return _copied_around(value)


def _copied_around(value: object) -> object:
    """Copy all but those parts that cannot be copied, a lock say: they stay shared."""
    file, buffers = Interruptible(), list[pickle.PickleBuffer]()
    pickler = _Sharing(file, protocol=5, buffer_callback=buffers.append)
    pickler.dump(value)
    if len(pickler.shared) == 1 and pickler.shared[0] is value:
        raise TypeError(f"cannot copy {type(value).__name__!r} object")
    file.seek(0)
    unpickler = _Resharing(file, buffers=map(copied_buffer, buffers))
    unpickler.shared = pickler.shared
    return unpickler.load()


#: Ids of types that always have a pickle, without a way to reduce them.
_READABLE = ATOM_IDS | set(
    map(id, (list, tuple, dict, set, frozenset, bytearray, pickle.PickleBuffer))
)


class _Sharing(pickle.Pickler):
    """Refers by number to what has no pickle, and to all definitions."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shared: list[object] = []

    def persistent_id(self, value: object) -> int | None:
        if id(type(value)) in _READABLE:
            return None
        if not isinstance(value, type | FunctionType):
            with suppress(Exception):
                value.__reduce_ex__(5)
                return None
        self.shared.append(value)
        return len(self.shared) - 1


class _Resharing(pickle.Unpickler):
    shared: Sequence[object] = ()

    def persistent_load(self, number: int) -> object:
        return self.shared[number]


def _itself(value: object) -> object:
    return value


def _load(data: bytes, *buffers: object) -> object:
    return load(data, buffers=buffers)


def _kept_buffer(buffer: pickle.PickleBuffer) -> pickle.PickleBuffer:
    view = buffer.raw()
    return buffer if type(view.obj) is bytes else pickle.PickleBuffer(copied_bytes(view))


def pack(kind: Kind, value: object) -> Packed:
    """Return an outcome as it is stored; a value that cannot be sent becomes `not_sent`.

    The code of a value may fork this process: only the original one returns.
    """
    process = getpid()
    packed = _packed(kind, value)
    end_copy_of(process)
    return packed


def _packed(kind: Kind, value: object) -> Packed:
    if kind == "value":
        sent = Pickled.of(value)
        if sent.not_sent is None:
            return kind, sent.data, sent.buffers
        kind, value = "not_sent", sent.not_sent
    if type(value) is NotSent:  # not isinstance: see `Pickled.of`
        return kind, by_reference(value, protocol=5), []
    assert isinstance(value, BaseException)
    record: Record = (describe(value), survivor(value))
    return kind, by_reference(record, protocol=5), []


def no_room_for(data: bytes, buffers: Sequence[pickle.PickleBuffer], error: OSError) -> NotSent:
    """Return why a result was not stored."""
    size = len(data) + sum(buffer.raw().nbytes for buffer in buffers)
    detail = f"the result, {size:,} bytes, cannot be stored for pytest: {error}"
    return NotSent(reason="result", detail=detail)
