"""Types without a value that could be compared or sent, and what to return instead."""

from __future__ import annotations

import collections.abc
import io
import sys
import threading
import types
from typing import NamedTuple


class Opaque(NamedTuple):
    """What such types are, and what to return instead of their instances."""

    classes: tuple[type, ...]
    what: str
    instead: str


#: The first that fits counts: a generator is an iterator, too.
_OPAQUE = (
    Opaque((types.GeneratorType,), "a generator", "return list(...)"),
    Opaque((types.AsyncGeneratorType,), "an async generator", "return a list"),
    Opaque((types.CoroutineType,), "a coroutine", "return its result"),
    Opaque((io.IOBase,), "a file", "return its content"),
    Opaque(
        (type(threading.Lock()), type(threading.RLock())),
        "a lock",
        "return the value that it guards",
    ),
    Opaque((collections.abc.Iterator,), "an iterator", "return list(...)"),
)

#: Each mock has a class of its own, and compares by identity.
MOCK = Opaque((), "a mock", "return its mock_calls")


def find_opaque(cls: type) -> Opaque | None:
    """Return what a class is that has no value to compare, None if it has one."""
    mocks = sys.modules.get("unittest.mock")
    if mocks is not None and issubclass(cls, mocks.NonCallableMock):
        return MOCK
    return next((opaque for opaque in _OPAQUE if issubclass(cls, opaque.classes)), None)


def advise(cls: type) -> str:
    """Return what to return instead of an instance of a class, empty if nothing is known."""
    opaque = find_opaque(cls)
    return opaque.instead if opaque is not None else ""
