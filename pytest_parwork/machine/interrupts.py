"""Ctrl-C that comes while something is done that must be whole; light, for every pytest run."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from threading import get_ident, main_thread
from types import FrameType

from .clock import now

#: Ctrl-C, and the signal by which other programs ask for the end.
ENDING = (signal.SIGINT, signal.SIGTERM)

Handler = Callable[[int, FrameType | None], object]

#: Seconds in which a signal that comes again is the same: timeout(1) sends it to the process, and
#: once more to its group.
SAME = 0.5

#: The present deferrals, the innermost last.
_present: list[Deferral] = []


class Deferral:
    """SIGINT and SIGTERM between `begin` and `end` are handled by `end`; a later one is at once.

    It can be used as a context manager. Only those that a function of Python handles, and only in
    the main thread: elsewhere, nothing is raised.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._handlers: dict[signal.Signals, Handler | signal.Handlers] = {}
        self._seen: tuple[Handler, int, FrameType | None] | None = None
        self._since = 0.0

    def __enter__(self) -> Deferral:
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self) -> None:
        """Defer the signals; if they are deferred, nothing is changed."""
        if self._handlers or get_ident() != main_thread().ident:
            return
        self._pid, self._seen = os.getpid(), None
        _present.append(self)
        for number in ENDING:
            handler = signal.getsignal(number)
            if callable(handler):
                self._handlers[number] = handler
                signal.signal(number, self._note)

    def end(self, *, is_known: bool = False) -> None:
        """Handle the signals as before; also the one that came meanwhile, unless it `is_known`."""
        self._restore()
        seen, self._seen = self._seen, None
        if seen is not None and not is_known:
            handler, number, frame = seen
            handler(number, frame)

    def forget(self, number: signal.Signals, handler: Handler) -> None:
        """Handle a signal as the system does afterwards, if this was its handler."""
        if self._handlers.get(number) == handler:
            self._handlers[number] = signal.SIG_DFL

    def _restore(self) -> None:
        _restore(list(self._handlers.items()))
        self._handlers.clear()
        if self in _present:
            _present.remove(self)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._pid:
            return  # in a forked process, which does nothing yet
        handler = self._handlers[signal.Signals(number)]
        assert callable(handler)  # only in a forked process it is not
        if self._seen is None:
            self._seen, self._since = (handler, number, frame), now()
        elif number != self._seen[1] or now() - self._since > SAME:
            handler(number, frame)


def resume_in_fork() -> None:
    """Handle signals as before all deferrals, in a process that was forked inside them."""
    while _present:
        _present[-1].end(is_known=True)


def restore_default(number: signal.Signals, handler: Handler) -> None:
    """Handle a signal as the system does, if this is its handler now or after a deferral."""
    for deferral in _present:
        deferral.forget(number, handler)
    if signal.getsignal(number) == handler:
        signal.signal(number, signal.SIG_DFL)


def _restore(handlers: Sequence[tuple[signal.Signals, Handler | signal.Handlers]]) -> None:
    if handlers:
        try:
            signal.signal(*handlers[0])
        finally:  # the first one may come right now, and raise
            _restore(handlers[1:])
