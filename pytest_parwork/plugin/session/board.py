"""The progress of the runs in the processes of pytest-xdist, as its controller shows it.

Each process sends the state of its run through a channel of its own. What arrives is shown at once,
in the thread that receives it: the controller itself waits for xdist's messages meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from ...machine.clock import now
from ...model.dataclass import dataclass
from .progress import (
    CHANNEL,
    EVERY,
    LOGGED,
    draw,
    erase,
    is_live,
    is_wanted,
    log_text,
    write_log,
)

if TYPE_CHECKING:
    from ...runner.request import Progress

#: The name under which the board is registered.
BOARD = "parwork-board"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The latest message of a process: its run, and the seconds since its start and to its end."""

    configuration: str
    name: str
    elapsed: float
    left: float | None
    progress: Progress


def connect(node: Any) -> None:
    """Open the channel for the progress of a process that is about to start."""
    config = node.config
    if not is_wanted(config):
        return
    board = config.pluginmanager.get_plugin(BOARD)
    if board is None:
        board = Board(config.pluginmanager.get_plugin("terminalreporter"))
        config.pluginmanager.register(board, BOARD)
    channel = node.gateway.newchannel()
    process = node.gateway.id
    # The end of the process closes the channel, which gives the marker.
    channel.setcallback(lambda message: board.receive(process, message), endmarker=None)
    node.workerinput[CHANNEL] = channel


class Board:
    """Shows the progress of all processes together; a plugin that makes room for pytest's lines."""

    def __init__(self, reporter: pytest.TerminalReporter) -> None:
        self._reporter = reporter
        self._is_live = is_live(reporter)
        self._lock = threading.Lock()
        self._states: dict[str, State] = {}
        self._next = 0.0
        self._is_shown = False
        self._is_closed = False

    def receive(self, process: str, message: Any) -> None:
        """Take the state of the run of a process, None at its end, and show that of all."""
        from ...runner.request import Progress  # most sessions with xdist have no such runs

        with self._lock:
            if message is None:
                self._states.pop(process, None)
                if not self._states:
                    self._erase()
            else:
                *texts, elapsed, left, counts = message
                self._states[process] = State(
                    configuration=texts[0],
                    name=texts[1],
                    elapsed=elapsed,
                    left=left,
                    progress=Progress(**counts),
                )
                self._show()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """Make room: with `-v`, pytest names the test."""
        self._yield()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self) -> None:
        """Make room for the letter of a test."""
        self._yield()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logfinish(self) -> None:
        """Make room for the percentage at the end of a line."""
        self._yield()

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_testnodedown(self) -> None:
        """Make room for what xdist says of a process that has exited."""
        self._yield()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Show nothing from here on: the failures and the summaries follow."""
        with self._lock:
            self._is_closed = True
            self._erase()

    def _yield(self) -> None:
        """Erase the line, and show it again no sooner than pytest can have written its own."""
        if self._is_live:
            with self._lock:
                self._erase()
                self._next = now() + EVERY

    def _erase(self) -> None:
        if self._is_shown:
            self._is_shown = False
            erase(self._reporter)

    def _show(self) -> None:
        if self._is_closed or now() < self._next:
            return
        states = list(self._states.values())
        progress, left = together(states)
        one = states[0] if len(states) == 1 else None
        if self._is_live:
            label = one.configuration if one is not None else f"{len(states)} runs"
            self._is_shown = draw(self._reporter, progress, label, left)
            self._next = now() + EVERY
            return
        elapsed = max(state.elapsed for state in states)
        if elapsed >= LOGGED:
            name = one.name if one is not None else f"{len(states)} runs"
            write_log(self._reporter, log_text(progress, name, elapsed, left))
            self._next = now() + LOGGED


def together(states: Sequence[State]) -> tuple[Progress, float | None]:
    """Add up the progress of runs at the same time; what is left is that of the longest one."""
    from ...runner.request import Progress

    added = {
        name: sum(getattr(state.progress, name) for state in states)
        for name in ("total", "done", "failed", "lost", "running", "workers")
    }
    left = [state.left for state in states]
    known = [seconds for seconds in left if seconds is not None]
    return Progress(**added), max(known) if len(known) == len(left) else None
