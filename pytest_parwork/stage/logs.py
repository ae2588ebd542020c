"""What stands in for `caplog` where a case runs."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import FixtureError

__all__ = ["Caplog", "Logs", "caplog"]


class Logs(logging.Handler):
    """Keeps the records of a case, by phase; those of its own thread only, where it is one of many.

    `level`, `format` and `date_format` are those that pytest was configured with.
    """

    def __init__(
        self, *, is_shared: bool, level: int | None, format: str, date_format: str | None
    ) -> None:
        super().__init__(level or logging.NOTSET)
        self.setFormatter(logging.Formatter(format, date_format))
        self.phase = "setup"
        self.by_phase: dict[str, list[logging.LogRecord]] = {"setup": []}
        self.stream = io.StringIO()
        self._thread = threading.get_ident() if is_shared else None
        self._level = level
        self._root = logging.getLogger()
        self._root_level: int | None = None

    def begin(self, *, sets_level: bool) -> None:
        """Keep records from now on; with `sets_level`, let those of the level come to the root."""
        if self._level is not None and sets_level:
            self._root_level = self._root.level
            self._root.setLevel(min(self._root.level, self._level))
        self._root.addHandler(self)

    def end(self) -> None:
        """Keep none any more."""
        self._root.removeHandler(self)
        if self._root_level is not None:
            self._root.setLevel(self._root_level)

    def enter(self, phase: str) -> None:
        """Begin with the records of another phase."""
        self.phase = phase
        self.by_phase[phase] = []
        self.stream = io.StringIO()

    @property
    def records(self) -> list[logging.LogRecord]:
        """The records of this phase."""
        return self.by_phase[self.phase]

    def clear(self) -> None:
        """Empty the list of this phase."""
        self.records.clear()
        self.stream = io.StringIO()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        if self._thread in (None, record.thread):
            self.records.append(record)
            self.stream.write(f"{self.format(record)}\n")


class Caplog:
    """Access to the records, with the names of pytest's `caplog`."""

    def __init__(self, logs: Logs, *, is_shared: bool) -> None:
        self.handler = logs
        self._is_shared = is_shared
        self._levels: dict[str | None, int] = {}
        self._handler_level = logs.level
        self._disabled = logging.root.manager.disable

    @property
    def records(self) -> list[logging.LogRecord]:
        """The records of this phase."""
        return self.handler.records

    @property
    def text(self) -> str:
        """The records as text, in the format that pytest is configured with."""
        return self.handler.stream.getvalue()

    @property
    def messages(self) -> list[str]:
        """The message of each record."""
        return [record.getMessage() for record in self.records]

    @property
    def record_tuples(self) -> list[tuple[str, int, str]]:
        """Name of the logger, level and message of each record."""
        return [(record.name, record.levelno, record.getMessage()) for record in self.records]

    def get_records(self, when: str) -> list[logging.LogRecord]:
        """Return the records of a phase: `setup`, `call` or `teardown`."""
        return self.handler.by_phase.get(when, [])

    def clear(self) -> None:
        """Forget the records of this phase."""
        self.handler.clear()

    def set_level(self, level: int | str, logger: str | None = None) -> None:
        """Set the level of a logger, the root one if none is named, to the end of the case."""
        self._check()
        target = logging.getLogger(logger)
        self._levels.setdefault(logger, target.level)
        target.setLevel(level)
        self.handler.setLevel(level)
        _enable(target)

    @contextmanager
    def at_level(self, level: int | str, logger: str | None = None) -> Iterator[None]:
        """Set the level of a logger inside."""
        self._check()
        target = logging.getLogger(logger)
        before = target.level, self.handler.level, logging.root.manager.disable
        target.setLevel(level)
        self.handler.setLevel(level)
        _enable(target)
        try:
            yield
        finally:
            target.setLevel(before[0])
            self.handler.setLevel(before[1])
            logging.disable(before[2])

    @contextmanager
    def filtering(self, filter_: logging.Filter) -> Iterator[None]:
        """Add a filter to the handler inside."""
        if filter_ in self.handler.filters:
            yield
            return
        self.handler.addFilter(filter_)
        try:
            yield
        finally:
            self.handler.removeFilter(filter_)

    def end(self) -> None:
        """Give all levels back."""
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)
        self.handler.setLevel(self._handler_level)
        if not self._is_shared:
            logging.disable(self._disabled)

    def _check(self) -> None:
        if self._is_shared:
            raise FixtureError(
                "caplog sets the level of a logger for the whole process, and this case ran in a "
                "thread beside others; use a backend with processes"
            )


def caplog(logs: Logs | None, *, is_shared: bool) -> Iterator[Caplog]:
    """Yield access to the records of the case."""
    assert logs is not None
    access = Caplog(logs, is_shared=is_shared)
    yield access
    access.end()


def _enable(target: logging.Logger) -> None:
    """Lift `logging.disable`, as far as it keeps the level from being logged."""
    level = target.getEffectiveLevel()
    if target.manager.disable >= level:
        logging.disable(max(level - 10, logging.NOTSET))
