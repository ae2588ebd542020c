"""The output of a worker process that is at one task at a time."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any

from ...model.output import Capture, Output, Warned
from .bounds import Entries
from .descriptors import Stream
from .logs import Listener, Record, drop_handlers_of_pytest
from .phases import listen
from .warned import Alarm, Key, forget_shown, restore_filters, use_filters


class ProcessCapture:
    """Takes all that this process prints, logs and warns, from begin to end of each task.

    What is printed before the first task, as modules are imported, is dropped: they were imported
    in the process of pytest as well. `paths` are the files for stdout and stderr, None where they
    are to go where they went before.
    """

    def __init__(self, capture: Capture, paths: tuple[str, str] | None) -> None:
        self._capture = capture
        self._undo = ExitStack()
        self._stdout: Stream | None = None
        self._stderr: Stream | None = None
        if capture.streams and paths is not None:
            self._stdout, self._stderr = Stream("stdout", paths[0]), Stream("stderr", paths[1])
            self._undo.callback(self._stdout.close)
            self._undo.callback(self._stderr.close)
        else:
            _write_whole_lines()
        self._has_begun = self._is_on = False
        self._log: Entries[Record] = Entries()
        self._warned: dict[Key, Warned] = {}
        self._phases: list[str] = []  # those that the task has entered
        self._logs: list[tuple[Record | str, ...]] = []  # what was logged before each of them
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
        """Take what comes from now on, under the warning filters of the task."""
        if not self._has_begun:
            self._has_begun = True
            self._texts()
        if self._capture.filters:
            wanted, alarm = self._capture.set_of(task), self._alarm
            if wanted != self._used or warnings.filters != self._filters:
                self._filters = use_filters(self._capture.filters[wanted])
                self._used = wanted
            elif alarm.has_rung:  # or the next one from there would be known
                forget_shown()
            alarm.has_rung = False
            alarm.begin()
        self._is_on = True
        listen(self._enter)

    def end(self) -> Output | None:
        """Return what came since the begin, None if nothing did."""
        self._is_on = False
        outs, errs = self._texts()
        if not self._phases:
            return self._taken(outs[0], errs[0])
        # Before the first phase there is nothing but what is in its way.
        names, self._phases = [self._phases[0], *self._phases], []
        logs, self._logs = [*self._logs, self._take_log()], []
        parts = zip(names, outs, errs, logs, strict=True)
        whole = Output.joined([(name, Output(out, err, log)) for name, out, err, log in parts])
        warned = self._take_warned()
        return whole._replace(warned=warned) if whole.is_any or warned else None

    def _taken(self, out: str, err: str) -> Output | None:
        if not (out or err or self._log or self._warned):
            return None
        return Output(out, err, self._take_log(), self._take_warned())

    def _enter(self, phase: str) -> None:
        """Tell apart what comes in another phase, which may have put something else in place."""
        self._phases.append(phase)
        self._logs.append(self._take_log())
        for stream in (self._stdout, self._stderr):
            if stream is not None:
                stream.cut()

    def _take_log(self) -> tuple[Record | str, ...]:
        if not self._log:
            return ()
        log, self._log = self._log, Entries()
        return log.all()

    def _take_warned(self) -> tuple[Warned, ...]:
        warned, self._warned = self._warned, {}
        return tuple(warned.values())

    def _texts(self) -> tuple[Sequence[str], Sequence[str]]:
        if self._stdout is None or self._stderr is None:
            for stream in (sys.stdout, sys.stderr):
                with suppress(Exception):  # closed; or a task has put something else there
                    stream.flush()  # so that it is seen now, and not lost with the process
            nothing = ("",) * (len(self._phases) + 1)
            return nothing, nothing
        return self._stdout.read(), self._stderr.read()

    def close(self) -> None:
        """Leave the process as it was."""
        self._alarm.end()
        if self._used >= 0:
            restore_filters(self._filters_before)
        self._undo.close()


def _write_whole_lines() -> None:
    """Have what several workers print to the same terminal come line by line, at once."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # not every stream can
            stream.reconfigure(line_buffering=True, write_through=False)  # type: ignore[union-attr]
