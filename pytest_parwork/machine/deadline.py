"""A limit of seconds on code in the main thread, which only a signal can end."""

from __future__ import annotations

import math
import signal
import sys
import threading
from contextlib import AbstractContextManager, nullcontext
from types import FrameType

from .clock import now

#: Seconds until `TimedOut` is raised again in code that caught it.
AGAIN = 0.1

#: Seconds behind its time from which an alarm may ring late because the process was stopped.
LATE = 0.1

#: The same once code has caught it so often that chance has to be helped.
SOON = 2e-6
PATIENCE = 2


#: Made once: most code has no limit.
_NONE = nullcontext()


class TimedOut(BaseException):
    """Raised inside code that has had its time; no `Exception`, so that few things catch it."""


def deadline(seconds: float | None) -> AbstractContextManager[None]:
    """Raise `TimedOut` inside once `seconds` have passed, and again until it gets out.

    Time in which the process was stopped (SIGSTOP, Ctrl-Z) does not count: the limit begins anew.
    It gets out in any case, at the end of the block: a `__del__` cannot raise, and code may catch
    what it was interrupted with and return something all the same.

    Nothing is raised in other threads than the main one, without SIGALRM (Windows), and while code
    does not come back to Python. An alarm that was set before rings inside if its time comes
    first, and goes on afterwards.
    """
    if seconds is None:
        return _NONE
    is_main = threading.current_thread() is threading.main_thread()
    return _Alarm(seconds) if is_main and hasattr(signal, "setitimer") else _NONE


class _Alarm(AbstractContextManager[None]):
    """SIGALRM at the end of a deadline, and before that for whoever had set one already."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._rings = 0
        self._is_put_off = False

    def __enter__(self) -> None:
        self._outside = sys._getframe(1)
        self._handled = sys.exc_info()[1]
        self._handler = signal.getsignal(signal.SIGALRM)
        left, self._interval = signal.setitimer(signal.ITIMER_REAL, 0)
        self._others = now() + left if left else math.inf
        self._end = now() + self._seconds
        self._is_on = True
        signal.signal(signal.SIGALRM, self._ring)
        self._continued = signal.getsignal(signal.SIGCONT)
        signal.signal(signal.SIGCONT, self._go_on)
        self._wind()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._is_on = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._handler or signal.SIG_DFL)
        if signal.getsignal(signal.SIGCONT) == self._go_on:
            signal.signal(signal.SIGCONT, self._continued or signal.SIG_DFL)
        del self._outside, self._handled  # they hold all that is on the stack
        if self._others < math.inf:
            rest = max(self._others - now(), 1e-6)
            signal.setitimer(signal.ITIMER_REAL, rest, self._interval)
        is_out = kind is not None and issubclass(kind, TimedOut | KeyboardInterrupt)
        if (self._rings or self._is_put_off) and not is_out:
            raise TimedOut

    def _wind(self) -> None:
        left = max(min(self._end, self._others) - now(), 1e-6)
        signal.setitimer(signal.ITIMER_REAL, left, AGAIN)

    def _ring(self, signum: int, frame: FrameType | None) -> None:
        if not self._is_on:
            return
        if now() >= self._others:
            self._others = self._others + self._interval if self._interval else math.inf
            self._wind()
            if callable(self._handler):
                self._handler(signum, frame)
            elif self._handler is signal.SIG_DFL:  # which ends the process
                signal.signal(signum, signal.SIG_DFL)
                signal.raise_signal(signum)
        if now() >= self._end + LATE and not (self._rings or self._is_put_off):
            # Where the process was stopped, Python comes to SIGCONT right after this, because its
            # number is higher. Else some code did not come back to Python for so long.
            self._is_put_off = True
            signal.setitimer(signal.ITIMER_REAL, AGAIN, AGAIN)
            return
        if now() >= self._end and self._is_inside(frame):
            self._rings += 1
            if self._rings > PATIENCE:
                # A loop around a `try` that catches all is left only by what is raised in the few
                # instructions between two rounds, right after it has caught this one.
                signal.setitimer(signal.ITIMER_REAL, SOON * (1 + self._rings % 8), AGAIN)
            raise TimedOut

    def _go_on(self, signum: int, frame: FrameType | None) -> None:
        """Begin anew after the process was stopped, nobody knows for how long."""
        self._is_put_off = False
        self._end = now() + self._seconds
        self._wind()
        if callable(self._continued):
            self._continued(signum, frame)

    def _is_inside(self, frame: FrameType | None) -> bool:
        """Return whether the code under the deadline is running, and not we at its start or end."""
        inside: FrameType | None = None
        while frame is not None and frame is not self._outside:
            inside, frame = frame, frame.f_back
        if frame is None:
            return False
        if inside is None:  # a function in C is running, or an exception is on its way to us
            return sys.exc_info()[1] is self._handled
        return inside.f_code not in (_Alarm.__enter__.__code__, _Alarm.__exit__.__code__)
