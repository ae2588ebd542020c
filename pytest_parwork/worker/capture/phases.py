"""How a task that sets up fixtures says which phase it has come to, where its output is taken."""

from __future__ import annotations

import threading
from collections.abc import Callable


class _Listening(threading.local):
    """Who wants to know it of the task in this thread."""

    told: Callable[[str], None] | None = None


_LISTENING = _Listening()


def listen(told: Callable[[str], None]) -> None:
    """Have `told` called with each phase that a task in this thread enters."""
    _LISTENING.told = told


def enter(phase: str) -> None:
    """Say that a phase begins: `setup`, `call` or `teardown`."""
    if _LISTENING.told is not None:
        _LISTENING.told(phase)
