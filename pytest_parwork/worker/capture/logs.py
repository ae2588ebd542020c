"""The log records of a task, in a form that can be sent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from ...model.output import Capture
from .bounds import Entries

#: The attributes of a log record, reduced to values that can be sent.
Record = Mapping[str, object]

_PLAIN = (str, int, float)

#: The longest text of a message, and the size of a record without its texts, in characters.
MOST = 1 << 16
SIZE = 200


class Listener(logging.Handler):
    """A handler at the root logger, which adds records to the entries that `of` returns, if any.

    It imports logging in workers that have not done so: 1.3 ms. Waiting until a task imports it
    would miss the records of the first task.
    """

    def __init__(self, capture: Capture, of: Callable[[], Entries[Record] | None]) -> None:
        super().__init__(capture.log_level)
        self._of = of
        self._root_level = capture.root_level
        self._disabled = [logging.getLogger(name) for name in capture.disabled]
        self._root = logging.getLogger()
        self._before = self._root.level

    def begin(self) -> None:
        """Start listening, with the levels that are set in pytest's process."""
        if self._root_level is not None:
            self._root.setLevel(self._root_level)
        for logger in self._disabled:
            logger.disabled = True
        self._root.addHandler(self)

    def end(self) -> None:
        """Stop listening."""
        self._root.removeHandler(self)
        self._root.setLevel(self._before)
        for logger in self._disabled:
            logger.disabled = False

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record; a message that cannot be formatted fails the task, as under pytest."""
        entries = self._of()
        if entries is None:
            return
        try:
            kept = _kept(record)
        except Exception:
            if logging.raiseExceptions:
                raise
            return
        size = sum(len(text) for text in (kept["msg"], kept["exc_text"]) if isinstance(text, str))
        entries.add(kept, size + SIZE)


def drop_handlers_of_pytest() -> None:
    """Remove from the root logger the handlers that a forked process inherits from pytest."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if type(handler).__module__.startswith("_pytest."):
            root.removeHandler(handler)


def _kept(record: logging.LogRecord) -> Record:
    text = record.exc_text
    if record.exc_info and not text:
        text = logging.Formatter().formatException(record.exc_info)
    made = {
        "msg": record.getMessage()[:MOST],
        "args": None,
        "exc_info": None,
        "exc_text": text[:MOST] if text else None,
    }
    return {key: _plain(value) for key, value in {**vars(record), **made}.items()}


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    try:  # what derives from a built-in type might be pickled by code of its own
        for kind in _PLAIN:
            if isinstance(value, kind):
                return value if type(value) is kind else kind(value)
        return str(value)[:MOST]
    except Exception as error:
        return f"<no text: str() raised {type(error).__name__}>"
