"""Ctrl-C that comes while something is done that must be whole; light, for every pytest run."""

from __future__ import annotations

import signal
from threading import get_ident, main_thread
from types import FrameType


class Deferral:
    """Ctrl-C between `begin` and `end` is raised by `end`; another one is raised at once."""

    def __init__(self) -> None:
        self._is_on = False
        self._is_seen = False

    def begin(self) -> None:
        """Defer Ctrl-C, unless somebody else handles it."""
        handler = signal.getsignal(signal.SIGINT)
        is_main_thread = get_ident() == main_thread().ident
        if is_main_thread and handler is signal.default_int_handler:
            self._is_on = True
            signal.signal(signal.SIGINT, self._note)

    def end(self, *, is_known: bool = False) -> None:
        """Handle Ctrl-C as before; raise the one that came meanwhile, unless it `is_known`."""
        if self._is_on:
            self._is_on = False
            signal.signal(signal.SIGINT, signal.default_int_handler)
        is_seen, self._is_seen = self._is_seen, False
        if is_seen and not is_known:
            raise KeyboardInterrupt

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if self._is_seen:
            raise KeyboardInterrupt
        self._is_seen = True
