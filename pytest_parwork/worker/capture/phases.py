"""How a task with fixtures reports its current phase to the capture of its output."""

from __future__ import annotations

import threading
from collections.abc import Callable


class _Listening(threading.local):
    """The listener to the task in this thread."""

    notify: Callable[[str], None] | None = None


_LISTENING = _Listening()


def listen(notify: Callable[[str], None]) -> None:
    """Have `notify` called with each phase that a task in this thread enters."""
    _LISTENING.notify = notify


def enter(phase: str) -> None:
    """Report that a phase begins: `setup`, `call` or `teardown`."""
    if _LISTENING.notify is not None:
        _LISTENING.notify(phase)
