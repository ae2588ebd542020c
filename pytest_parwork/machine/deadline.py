"""A time limit on code in the main thread, which only a signal can interrupt."""

from __future__ import annotations

import math
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType

from .clock import now
from .system import is_main_thread

#: Seconds until `TimedOut` is raised again in code that caught it.
AGAIN = 0.1

#: An alarm that is more than so many seconds late may be so because the process was stopped.
LATE = 0.1

#: Once code has caught `TimedOut` more than PATIENCE times, it is raised again in SOON seconds.
SOON = 2e-6
PATIENCE = 2


#: The share of a limit that each of the blocks that share it has in any case.
LEAST_SHARE = 0.1

#: One object for all code without a limit, which most is.
_NONE = nullcontext()


class TimedOut(BaseException):
    """Raised inside code at its time limit; not an `Exception`, so that little code catches it."""


class Shared(float):
    """A limit in seconds that several blocks share: each may take what the others have left of it.

    If nothing is left, a block still has a tenth: a result whose comparison never returned has to
    be deleted, too.
    """

    __slots__ = ("_used",)
    _used: float

    @classmethod
    def of(cls, seconds: float | None) -> Shared | None:
        """Return a limit of which nothing is used yet, None for none."""
        if seconds is None:
            return None
        made = cls(seconds)
        made._used = 0.0
        return made

    @property
    def left(self) -> float:
        """The seconds that the next block may take."""
        return max(self - self._used, self * LEAST_SHARE)

    @property
    def is_used_up(self) -> bool:
        """Whether a block, or all together, have reached the limit."""
        return self._used >= self

    def use(self, seconds: float) -> None:
        """Record that a block took so many seconds."""
        self._used += seconds


def deadline(seconds: float | None) -> AbstractContextManager[None]:
    """Raise `TimedOut` inside the block after `seconds`, and again until it leaves the block.

    A `Shared` limit ends the block when the time of all its blocks together is over.
    Time in which the process was stopped (SIGSTOP, Ctrl-Z) does not count: the limit starts again.
    `TimedOut` is raised at the end of the block in any case, because a `__del__` cannot raise, and
    because code may catch the exception and return something nevertheless.

    Nothing is raised in threads other than the main one, without SIGALRM (Windows), and while code
    does not return to Python. An alarm that was set before still rings inside the block if it is
    due first, and stays set afterwards.
    """
    if seconds is None:
        return _NONE
    is_main = is_main_thread()
    return _Alarm(seconds) if is_main and hasattr(signal, "setitimer") else _NONE


@contextmanager
def pausing_alarm() -> Iterator[None]:
    """Pause an alarm that others have set for what runs around the block, and not for the block.

    pytest-timeout limits a test by one; what parwork does to judge the test is no part of that.
    """
    if not (is_main_thread() and hasattr(signal, "setitimer")):
        yield
        return
    left, interval = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        yield
    finally:
        if left:
            signal.setitimer(signal.ITIMER_REAL, left, interval)


class _Alarm(AbstractContextManager[None]):
    """SIGALRM at the end of a deadline, and at the time of an alarm that was set before."""

    def __init__(self, seconds: float) -> None:
        self._shared = seconds if isinstance(seconds, Shared) else None
        self._seconds = seconds if self._shared is None else self._shared.left
        self._rings = 0
        self._is_put_off = False
        self._report: Callable[[sys.UnraisableHookArgs], object] | None = None

    def __enter__(self) -> None:
        self._outside = sys._getframe(1)
        self._handled = sys.exc_info()[1]
        self._handler = signal.getsignal(signal.SIGALRM)
        left, self._interval = signal.setitimer(signal.ITIMER_REAL, 0)
        self._others = now() + left if left else math.inf
        self._began = now()
        self._end = self._began + self._seconds
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
        if self._report is not None and sys.unraisablehook == self._report_others:
            sys.unraisablehook = self._report
        del self._outside, self._handled  # they keep the whole stack alive
        if self._shared is not None:  # time in which the process was stopped does not count
            self._shared.use(min(now() - self._began, self._seconds))
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
            elif self._handler is signal.SIG_DFL:  # which kills the process
                signal.signal(signum, signal.SIG_DFL)
                signal.raise_signal(signum)
        if now() >= self._end + LATE and not (self._rings or self._is_put_off):
            # Where the process was stopped, Python handles SIGCONT right after this, because its
            # number is higher. Otherwise some code did not return to Python for so long.
            self._is_put_off = True
            signal.setitimer(signal.ITIMER_REAL, AGAIN, AGAIN)
            return
        if now() >= self._end and self._is_inside(frame):
            self._rings += 1
            if self._report is None:
                self._report, sys.unraisablehook = sys.unraisablehook, self._report_others
            if self._rings > PATIENCE:
                # A loop around a `try` that catches everything is left only by an exception that
                # is raised between two iterations, in the few instructions after a catch.
                signal.setitimer(signal.ITIMER_REAL, SOON * (1 + self._rings % 8), AGAIN)
            raise TimedOut

    def _report_others(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Report what a `__del__` or the end of a generator cannot raise, but for `TimedOut`.

        That is raised at the end of the block. To report it takes pytest longer than the alarm to
        ring again; and what is interrupted there is kept to the end of the session, together with
        the results whose code never ends: their deletion blocked pytest without any limit.
        """
        if unraisable.exc_type is not TimedOut and self._report is not None:
            self._report(unraisable)

    def _go_on(self, signum: int, frame: FrameType | None) -> None:
        """Restart the limit after the process was stopped for an unknown time."""
        self._is_put_off = False
        self._end = now() + self._seconds
        self._wind()
        if callable(self._continued):
            self._continued(signum, frame)

    def _is_inside(self, frame: FrameType | None) -> bool:
        """Return whether the code under the deadline is running, not this class around it."""
        if frame is not None and frame.f_code is _Alarm._report_others.__code__:
            return False
        inside: FrameType | None = None
        while frame is not None and frame is not self._outside:
            inside, frame = frame, frame.f_back
        if frame is None:
            return False
        if inside is None:  # a C function is running, or an exception is propagating to us
            return sys.exc_info()[1] is self._handled
        return inside.f_code not in (_Alarm.__enter__.__code__, _Alarm.__exit__.__code__)
