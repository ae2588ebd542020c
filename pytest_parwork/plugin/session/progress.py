"""The progress of a parallel run: a live line on a terminal, a line now and then in a log.

Nothing is shown with `-q`, with `-s`, by the processes of xdist, or for a run that ends at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

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

#: Columns of the bar, and the least that the live line needs.
BAR, LEAST = 20, 12

#: Save and restore the position of the cursor; erase from there to the end of the line.
_SAVE, _RESTORE, _ERASE = "\x1b7", "\x1b8", "\x1b[K"


@contextmanager
def showing(
    config: pytest.Config, workload: str, configuration: str
) -> Iterator[Callable[[Progress], None] | None]:
    """Give what shows the progress of one run, None where nothing is to be shown."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or reporter.verbosity < 0 or config.getoption("capture") == "no":
        yield None
        return
    if reporter.isatty and os.environ.get("TERM") != "dumb":
        live = _Live(config, reporter, configuration)
        try:
            yield live
        finally:
            live.close()
    else:
        yield _Log(
            config, reporter, f"{workload.partition('::')[2] or workload} on {configuration}"
        )


class _Estimate:
    """The time that a run has taken, and what it will still take at the same pace."""

    def __init__(self) -> None:
        self._began = now()

    @property
    def elapsed(self) -> float:
        return now() - self._began

    def left(self, progress: Progress) -> float | None:
        """Return the seconds that are left, None as long as no task has finished."""
        finished = progress.done + progress.lost
        if not finished:
            return None
        return self.elapsed * (progress.total - finished) / finished


class _Live:
    """Shows the progress behind what pytest has written in the present line of a terminal."""

    def __init__(
        self, config: pytest.Config, reporter: pytest.TerminalReporter, configuration: str
    ) -> None:
        self._config = config
        self._reporter = reporter
        self._configuration = configuration
        self._estimate = _Estimate()
        self._next = FIRST
        self._is_shown = False

    def __call__(self, progress: Progress) -> None:
        elapsed = self._estimate.elapsed
        if elapsed < self._next:
            return
        self._next = elapsed + EVERY
        writer = self._reporter._tw
        room = writer.fullwidth - writer.width_of_current_line - 2
        if room >= LEAST:
            text = live_text(progress, self._configuration, self._estimate.left(progress), room)
            self._is_shown = True
            with _uncaptured(self._config):
                write_raw(writer, f"{_SAVE} {text}{_ERASE}{_RESTORE}")

    def close(self) -> None:
        """Erase the line."""
        if self._is_shown:
            with _uncaptured(self._config):
                write_raw(self._reporter._tw, _ERASE)


class _Log:
    """Writes a line now and then, for a log that nobody can rewrite."""

    def __init__(self, config: pytest.Config, reporter: pytest.TerminalReporter, name: str) -> None:
        self._config = config
        self._reporter = reporter
        self._name = name
        self._estimate = _Estimate()
        self._next = LOGGED

    def __call__(self, progress: Progress) -> None:
        elapsed = self._estimate.elapsed
        if elapsed < self._next:
            return
        self._next = elapsed + LOGGED
        text = log_text(progress, self._name, elapsed, self._estimate.left(progress))
        with _uncaptured(self._config):
            self._reporter.ensure_newline()
            self._reporter.write_line(text)
            self._reporter.flush()


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
