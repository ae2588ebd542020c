"""The time in which pytest itself was stopped (SIGSTOP, Ctrl-Z), which counts for no timeout."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ..machine.clock import now


class Suspension:
    """Notes when this process was stopped, if it is used in the main thread.

    The system reports only the continuation, by SIGCONT. A late check is no proof of a stop: other
    threads may have delayed it.
    """

    def __init__(self) -> None:
        self._seen = now()
        self._gaps: list[tuple[float, float]] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note stops inside the block; other handlers of SIGCONT are still called."""
        is_main = threading.current_thread() is threading.main_thread()
        if not is_main or not hasattr(signal, "SIGCONT"):
            yield
            return
        before = signal.getsignal(signal.SIGCONT)

        def go_on(signum: int, frame: FrameType | None) -> None:
            self._gaps.append((self._seen, now()))
            if callable(before):
                before(signum, frame)

        signal.signal(signal.SIGCONT, go_on)
        try:
            yield
        finally:
            if signal.getsignal(signal.SIGCONT) is go_on:
                signal.signal(signal.SIGCONT, before or signal.SIG_DFL)

    def look(self) -> None:
        """Note that the process is running."""
        self._seen = now()

    def since(self, moment: float) -> float:
        """Return for how many seconds it was stopped since then."""
        return sum(end - max(start, moment) for start, end in self._gaps if end > moment)
