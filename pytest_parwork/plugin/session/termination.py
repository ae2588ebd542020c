"""SIGTERM, handled as Ctrl-C: otherwise pytest would exit without any message."""

from __future__ import annotations

import os
import signal
import threading
import weakref
from types import FrameType

import pytest

from ...machine.clock import now
from ...machine.interrupts import SAME, restore_default

#: Exceptions that end the session wherever they are raised: never the outcome of a test.
ENDING: tuple[type[BaseException], ...] = (KeyboardInterrupt, pytest.exit.Exception)


class Termination:
    """Interrupts the session on SIGTERM, unless there is another handler for that signal.

    A second SIGTERM ends a session that hangs. SIGTERM still ends processes that are forked from
    this one: their libraries rely on it.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._since: float | None = None
        is_main = threading.current_thread() is threading.main_thread()
        self._is_on = is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        if self._is_on:
            signal.signal(signal.SIGTERM, self._interrupt)
            _close_in_children(self)

    def _interrupt(self, signum: int, _frame: FrameType | None) -> None:
        if self._since is None and os.getpid() == self._pid:
            self._since = now()
            raise KeyboardInterrupt("SIGTERM")
        # A forked process may still have this handler.
        if os.getpid() != self._pid or now() - (self._since or 0.0) > SAME:
            signal.signal(signum, signal.SIG_DFL)
            os.kill(os.getpid(), signum)

    def close(self) -> None:
        """Restore the default of SIGTERM, unless there is another handler by now."""
        if self._is_on:
            restore_default(signal.SIGTERM, self._interrupt)
        self._is_on = False


def _close_in_children(termination: Termination) -> None:
    """Remove the handler in forked processes: while one is busy in C, it would never run."""
    if hasattr(os, "register_at_fork"):
        known = weakref.ref(termination)  # weak, because a fork hook cannot be unregistered

        def close() -> None:
            found = known()
            if found is not None:
                found.close()

        os.register_at_fork(after_in_child=close)
