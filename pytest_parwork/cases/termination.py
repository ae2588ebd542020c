"""SIGTERM, taken as Ctrl-C: pytest itself would end without a word."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

__all__ = ["Termination"]


class Termination:
    """Interrupts the session on SIGTERM, unless somebody else waits for that signal."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        is_main = threading.current_thread() is threading.main_thread()
        self._is_on = is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        if self._is_on:
            signal.signal(signal.SIGTERM, self._interrupt)

    def _interrupt(self, signum: int, _frame: FrameType | None) -> None:
        signal.signal(signum, signal.SIG_DFL)  # a second one ends whatever hangs
        if os.getpid() != self._pid:  # a forked worker, which its library ends so
            os.kill(os.getpid(), signum)
        raise KeyboardInterrupt("SIGTERM")

    def close(self) -> None:
        """Let SIGTERM end the process again."""
        if self._is_on:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
