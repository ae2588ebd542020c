"""The output of a worker process that is at one task at a time."""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from typing import Any

from ..output import Capture, Output, Warned
from .bounds import Entries
from .descriptors import Stream
from .logs import Listener, Record, drop_handlers_of_pytest
from .warned import Alarm, Key, use_filters

__all__ = ["ProcessCapture"]


class ProcessCapture:
    """Takes all that this process prints, logs and warns, from begin to end of each task.

    What comes between two tasks is dropped. `paths` are the files for stdout and stderr, None where
    they are to go where they went before.
    """

    def __init__(self, capture: Capture, paths: tuple[str, str] | None) -> None:
        self._capture = capture
        self._undo = ExitStack()
        self._streams: list[Stream] = []
        if capture.streams and paths is not None:
            self._streams = [Stream("stdout", paths[0]), Stream("stderr", paths[1])]
            for stream in self._streams:
                self._undo.callback(stream.close)
        self._is_on = False
        self._log: Entries[Record] = Entries()
        self._warned: dict[Key, Warned] = {}
        if capture.root_level is not None:
            drop_handlers_of_pytest()
            listener = Listener(capture, lambda: self._log if self._is_on else None)
            listener.begin()
            self._undo.callback(listener.end)
        self._alarm = Alarm(lambda: self._warned if self._is_on else {})
        self._used = -1
        self._filters: list[Any] = []
        self._filters_before = list(warnings.filters)

    def begin(self, task: int) -> None:
        """Begin with nothing, and with the warning filters of the task."""
        for stream in self._streams:
            stream.begin()
        if self._capture.filters:
            wanted, alarm = self._capture.set_of(task), self._alarm
            # Again, too, where a warning was shown: or the next one from there would be known.
            if wanted != self._used or alarm.has_rung or warnings.filters != self._filters:
                self._filters = use_filters(self._capture.filters[wanted])
                self._used = wanted
                alarm.has_rung = False
            alarm.begin()
        self._is_on = True

    def end(self) -> Output | None:
        """Return what came since the begin, None if nothing did."""
        self._is_on = False
        out, err = [stream.end() for stream in self._streams] or ("", "")
        if not (out or err or self._log or self._warned):
            return None
        output = Output(out, err, self._log.all(), tuple(self._warned.values()))
        if self._log:
            self._log = Entries()
        if self._warned:
            self._warned = {}
        return output

    def close(self) -> None:
        """Leave the process as it was."""
        self._alarm.end()
        if self._used >= 0:
            warnings.resetwarnings()
            warnings.filters[:] = self._filters_before  # type: ignore[index]  # a list, in CPython
        self._undo.close()
