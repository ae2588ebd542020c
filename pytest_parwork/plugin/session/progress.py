"""The progress of a parallel run: a live line on a terminal, a line now and then in a log.

Nothing is shown with `-q`, with `-s`, or for a run that ends at once. A process of xdist sends its
progress to the controller instead: see `board`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from ...machine.clock import now
from ...report.figures import duration
from ..compat import write_raw

if TYPE_CHECKING:
    from ...runner.request import Progress

#: Seconds before the first live line, and between two of them.
FIRST, EVERY = 1.0, 0.2

#: Seconds between two lines of a log.
LOGGED = 30.0

#: Seconds between two messages of a process of xdist, and the name of their channel in its input.
SENT, CHANNEL = 0.5, "parwork_progress"

#: Columns of the bar, and the least that the live line needs.
BAR, LEAST = 20, 12

#: Save and restore the position of the cursor; erase from there to the end of the line.
_SAVE, _RESTORE, _ERASE = "\x1b7", "\x1b8", "\x1b[K"


@contextmanager
def showing(
    config: pytest.Config, workload: str, configuration: str
) -> Iterator[Callable[[Progress], None] | None]:
    """Give what shows the progress of one run, None where nothing is to be shown."""
    name = f"{workload.partition('::')[2] or workload} on {configuration}"
    channel = getattr(config, "workerinput", {}).get(CHANNEL)
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    shown: _Live | _Log | _Sent
    if channel is not None:
        shown = _Sent(channel, configuration, name)
    elif not is_wanted(config):
        yield None
        return
    elif is_live(reporter):
        shown = _Live(config, reporter, configuration)
    else:
        shown = _Log(config, reporter, name)
    try:
        yield shown
    finally:
        shown.close()


def is_wanted(config: pytest.Config) -> bool:
    """Return whether this process shows the progress of runs."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or config.getoption("capture", default="no") == "no":
        return False
    return bool(reporter.verbosity >= 0)


def is_live(reporter: pytest.TerminalReporter) -> bool:
    """Return whether a line that was written can be replaced."""
    return bool(reporter.isatty) and os.environ.get("TERM") != "dumb"


class _Estimate:
    """The time that a run has taken, and what it will still take at the same pace.

    It is due for the `first` time after so many seconds, and then `every` so many. Between two
    tasks that finish, the rest gets shorter as the time goes by: with the time of now, it would
    grow until the next one finishes.
    """

    def __init__(self, *, first: float, every: float) -> None:
        self._began = now()
        self._next, self._every = first, every
        self._finished = 0
        self._since = 0.0  # seconds from the beginning to when that many had finished

    def due(self, progress: Progress) -> tuple[float, float | None] | None:
        """Return the seconds that have passed and those that are left, None if it is too early."""
        elapsed = now() - self._began
        left = self._left(progress, elapsed)
        if elapsed < self._next:
            return None
        self._next = elapsed + self._every
        return elapsed, left

    def _left(self, progress: Progress, elapsed: float) -> float | None:
        """Return the seconds that are left, None as long as no task has finished."""
        finished = progress.done + progress.lost
        if finished != self._finished:
            self._finished, self._since = finished, elapsed
        if not finished:
            return None
        pace = (progress.total - finished) / finished
        left = self._since * pace - (elapsed - self._since)
        return left if left > 0 else elapsed * pace  # the task takes longer than those before


class _Live:
    """Shows the progress behind what pytest has written in the present line of a terminal."""

    def __init__(
        self, config: pytest.Config, reporter: pytest.TerminalReporter, configuration: str
    ) -> None:
        self._config = config
        self._reporter = reporter
        self._configuration = configuration
        self._estimate = _Estimate(first=FIRST, every=EVERY)
        self._is_shown = False

    def __call__(self, progress: Progress) -> None:
        if (due := self._estimate.due(progress)) is None:
            return
        _, left = due
        with _uncaptured(self._config):
            if draw(self._reporter, progress, self._configuration, left):
                self._is_shown = True

    def close(self) -> None:
        """Erase the line."""
        if self._is_shown:
            with _uncaptured(self._config):
                erase(self._reporter)


class _Log:
    """Writes a line now and then, for a log that nobody can rewrite."""

    def __init__(self, config: pytest.Config, reporter: pytest.TerminalReporter, name: str) -> None:
        self._config = config
        self._reporter = reporter
        self._name = name
        self._estimate = _Estimate(first=LOGGED, every=LOGGED)

    def __call__(self, progress: Progress) -> None:
        if (due := self._estimate.due(progress)) is None:
            return
        elapsed, left = due
        text = log_text(progress, self._name, elapsed, left)
        with _uncaptured(self._config):
            write_log(self._reporter, text)

    def close(self) -> None:
        """Leave the lines as they are."""


class _Sent:
    """Sends the progress to the controller of xdist, and at the end that there is no more."""

    def __init__(self, channel: Any, configuration: str, name: str) -> None:
        self._channel = channel
        self._texts = (configuration, name)
        self._estimate = _Estimate(first=FIRST, every=SENT)
        self._is_shown = False

    def __call__(self, progress: Progress) -> None:
        if (due := self._estimate.due(progress)) is None:
            return
        elapsed, left = due
        self._is_shown = True
        state = {name: getattr(progress, name) for name in progress.__slots__}
        with suppress(OSError):  # the controller has exited, which xdist itself will notice
            self._channel.send((*self._texts, elapsed, left, state))

    def close(self) -> None:
        """Report the end of the run."""
        if self._is_shown:
            with suppress(OSError):
                self._channel.send(None)


def draw(
    reporter: pytest.TerminalReporter, progress: Progress, configuration: str, left: float | None
) -> bool:
    """Write the live line behind the cursor, and leave that where it is; False without room."""
    writer = reporter._tw
    room = writer.fullwidth - writer.width_of_current_line - 2
    if room < LEAST:
        return False
    text = live_text(progress, configuration, left, room)
    write_raw(writer, f"{_SAVE} {text}{_ERASE}{_RESTORE}")
    return True


def erase(reporter: pytest.TerminalReporter) -> None:
    """Erase the live line."""
    write_raw(reporter._tw, _ERASE)


def write_log(reporter: pytest.TerminalReporter, text: str) -> None:
    """Write a line of a log."""
    reporter.ensure_newline()
    if reporter._tw.width_of_current_line:  # xdist writes no names of files, by which pytest knows
        reporter.line("")
    reporter.write_line(text)
    reporter.flush()


def live_text(progress: Progress, configuration: str, left: float | None, room: int) -> str:
    """Return the longest text that there is room for: `parwork dask-12 [####----] 352/500 ...`."""
    finished = progress.done + progress.lost
    share = finished / progress.total if progress.total else 1.0
    bar = ("#" * int(share * BAR)).ljust(BAR, "-")
    count = f"{finished}/{progress.total}"
    bad = progress.failed + progress.lost
    more = f"  {progress.running} busy" + (f"  {bad} failed" if bad else "")
    rest = f"  eta {duration(left)}" if left is not None else ""
    texts = (
        f"parwork {configuration} [{bar}] {count}{more}{rest}",
        f"parwork [{bar}] {count}{more}{rest}",
        f"parwork {count}{more}{rest}",
        f"parwork {count}{rest}",
        f"parwork {count}",
        count,
    )
    return next((text for text in texts if len(text) <= room), "")


def log_text(progress: Progress, name: str, elapsed: float, left: float | None) -> str:
    """Return a line of a log: `parwork: test_x on dask-12: 352 of 500 done, 24m10s ...`."""
    finished = progress.done + progress.lost
    bad = progress.failed + progress.lost
    parts = [f"{finished} of {progress.total} done"]
    parts += [f"{bad} failed"] if bad else []
    parts += [duration(elapsed)]
    parts += [f"about {duration(left)} left"] if left is not None else []
    return f"parwork: {name}: {', '.join(parts)}"


@contextmanager
def _uncaptured(config: pytest.Config) -> Iterator[None]:
    """Write to the terminal, also while the output of a test is captured."""
    manager = config.pluginmanager.get_plugin("capturemanager")
    if manager is None:
        yield
        return
    with manager.global_and_fixture_disabled():
        yield
