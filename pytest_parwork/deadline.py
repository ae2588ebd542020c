"""A limit of seconds on code in the main thread, which only a signal can end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from .clock import now

__all__ = ["TimedOut", "deadline"]

#: Seconds until `TimedOut` is raised again in code that caught it.
AGAIN = 0.1


class TimedOut(BaseException):
    """Raised inside code that has had its time; no `Exception`, so that few things catch it."""


@contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """Raise `TimedOut` inside once `seconds` have passed, and again until it gets out.

    Nothing is raised in other threads than the main one, without SIGALRM (Windows), and while code
    does not come back to Python. An alarm that was set before is set again afterwards, with what
    is left of its time.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if seconds is None or not is_main or not hasattr(signal, "setitimer"):
        yield
        return
    is_inside = True

    def ring(_signum: int, _frame: FrameType | None) -> None:
        if is_inside:
            raise TimedOut

    began = now()
    handler = signal.signal(signal.SIGALRM, ring)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        while is_inside:
            try:
                is_inside = False
            except TimedOut:  # it rang at the very end
                continue
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            rest = max(left - (now() - began), 1e-6)
            signal.setitimer(signal.ITIMER_REAL, rest, interval)
