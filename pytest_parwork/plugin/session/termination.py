"""SIGTERM, taken as Ctrl-C: pytest itself would end without a word."""

from __future__ import annotations

import os
import signal
import threading
import weakref
from types import FrameType

import pytest

#: Exceptions that end the session, wherever they are raised: they are no outcome of a test.
ENDING: tuple[type[BaseException], ...] = (KeyboardInterrupt, pytest.exit.Exception)


class Termination:
    """Interrupts the session on SIGTERM, unless somebody else waits for that signal.

    Processes that are forked from this one end by SIGTERM as ever: their libraries count on it.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        is_main = threading.current_thread() is threading.main_thread()
        self._is_on = is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        if self._is_on:
            signal.signal(signal.SIGTERM, self._interrupt)
            _close_in_children(self)

    def _interrupt(self, signum: int, _frame: FrameType | None) -> None:
        signal.signal(signum, signal.SIG_DFL)  # a second one ends whatever hangs
        if os.getpid() != self._pid:  # between its fork and the end of our handler there
            os.kill(os.getpid(), signum)
        raise KeyboardInterrupt("SIGTERM")

    def close(self) -> None:
        """Let SIGTERM end the process again, unless somebody has come to wait for it."""
        if self._is_on and signal.getsignal(signal.SIGTERM) == self._interrupt:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._is_on = False


def _close_in_children(termination: Termination) -> None:
    """Take the handler out of forked processes: one that is busy in C would never come to it."""
    if hasattr(os, "register_at_fork"):
        known = weakref.ref(termination)  # nothing can be registered for a time only

        def close() -> None:
            found = known()
            if found is not None:
                found.close()

        os.register_at_fork(after_in_child=close)
