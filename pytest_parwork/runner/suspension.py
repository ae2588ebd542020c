"""The time in which pytest itself was stopped (SIGSTOP, Ctrl-Z), which counts against nobody."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ..machine.clock import now


class Suspension:
    """Notes when this process was stopped, as far as it runs in the main thread.

    The system says only when it goes on, by SIGCONT. A look that comes late is no sign: so does one
    that a thread has held up.
    """

    def __init__(self) -> None:
        self._seen = now()
        self._gaps: list[tuple[float, float]] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note what happens inside; whoever else waits for SIGCONT gets it all the same."""
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
