"""Results as they are when a body returns, whatever tear-downs and other tasks do to them later."""

from __future__ import annotations

import pickle
from collections.abc import Callable

from ..machine.deadline import TimedOut
from ..model.errors import PayloadError
from ..transport.culprit import explain
from ..transport.pickling import ATOMS, dumps, load
from .copies import copied


class Pickled:
    """A result that is serialised, with large buffers apart; `error` says why it cannot be.

    With `copies`, the buffers are copied, so that later writes do not change them. Without, they
    are those of the value, because a copy takes as long as storing them. Its own pickle loads the
    value.
    """

    __slots__ = ("buffers", "data", "error")

    def __init__(self, value: object, *, copies: bool) -> None:
        self.data = b""
        self.buffers: list[pickle.PickleBuffer] = []
        self.error: PayloadError | None = None
        try:
            self.data = dumps(value, self.buffers, is_result=True)
        except BaseException as error:
            self.buffers.clear()
            self.error = PayloadError(
                f"the result cannot be sent back from a worker: {explain(value, error)}"
            )
        if copies:
            self.buffers[:] = map(_copied_buffer, self.buffers)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        if self.error is not None:
            raise self.error
        return _load, (self.data, *self.buffers)


class Copied:
    """A copy of a result, or the result itself if it cannot be copied.

    In the second case its digest tells whether it `has_changed` since; one without a digest counts
    as unchanged. Its own pickle loads the value.
    """

    __slots__ = ("_digest", "_value")

    def __init__(self, value: object) -> None:
        self._digest: bytes | None = None
        try:
            self._value = value if type(value) in ATOMS else copied(value)
        except (KeyboardInterrupt, TimedOut):
            raise
        except BaseException:  # a `__reduce__` may raise SystemExit
            self._value = value
            self._digest = self._digest_now()

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return _itself, (self.value(),)

    @property
    def has_changed(self) -> bool:
        """Whether the value is another one than when it was returned."""
        return self._digest is not None and self._digest_now() != self._digest

    def value(self) -> object:
        """Return the value; raises `PayloadError` if it has changed since it was returned."""
        if self.has_changed:
            raise PayloadError(
                f"the result, of type {type(self._value).__name__}, changed after the body "
                f"returned it, and cannot be copied; return a copy of what is to be compared"
            )
        return self._value

    def _digest_now(self) -> bytes | None:
        from ..equivalence.digest import digest  # here, because few workers need it

        return digest(self._value)


def take(value: object, *, in_workers: bool) -> object:
    """Return a body's result in the form that is kept: for `in_workers`, one that can be sent."""
    if type(value) in ATOMS:
        return value
    return Pickled(value, copies=True) if in_workers else Copied(value)


def _itself(value: object) -> object:
    return value


def _load(data: bytes, *buffers: object) -> object:
    return load(data, buffers=buffers)


def _copied_buffer(buffer: pickle.PickleBuffer) -> pickle.PickleBuffer:
    view = buffer.raw()
    return buffer if type(view.obj) is bytes else pickle.PickleBuffer(bytearray(view))
