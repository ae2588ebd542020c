"""The output of a worker process that runs one task at a time."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from threading import Thread
from typing import Any

from ...model.outcome import Failure
from ...model.output import Capture, Output, Warned
from .bounds import Entries
from .descriptors import Stream
from .logs import Listener, Record, drop_handlers_of_pytest
from .mishaps import Hooked, Mishap, take_soft_failures, warn_of
from .phases import listen
from .stdin import reject_reading
from .warned import Alarm, Key, forget_shown, restore_filters, use_filters


class ProcessCapture:
    """Captures all that this process prints, logs and warns during each task.

    Output before the first task, while modules are imported, is dropped: they were imported in
    pytest's process as well. `paths` are the files for stdout and stderr, None if the streams are
    not to be redirected.
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
            self._undo.callback(reject_reading())
        else:
            _write_whole_lines()
        self._has_begun = self._is_on = self._takes_mishaps = False
        self._log: Entries[Record] = Entries()
        self._warned: dict[Key, Warned] = {}
        self._phases: list[str] = []  # the phases that the task has entered
        self._logs: list[tuple[Record | str, ...]] = []  # the records before each of them
        if capture.root_level is not None:
            drop_handlers_of_pytest()
            listener = Listener(capture, lambda: self._log if self._is_on else None)
            listener.begin()
            self._undo.callback(listener.end)
        self._alarm = Alarm(lambda: self._warned if self._is_on else {})
        self._mishaps: list[Mishap] = []
        self._undo.enter_context(Hooked(self._take_mishap))
        self._used = -1
        self._filters: list[Any] = []
        self._filters_before = list(warnings.filters)

    def begin(self, task: int, *, is_by_pytest: bool = False) -> None:
        """Start capturing, with the warning filters of the task; what `is_by_pytest`, pytest sees.

        The task may have inherited soft failures of the process that it was forked from.
        """
        self._takes_mishaps = not is_by_pytest
        if self._takes_mishaps:
            take_soft_failures(is_shared=False)
        if not self._has_begun:
            self._has_begun = True
            self._texts()
        if self._capture.filters:
            wanted, alarm = self._capture.set_of(task), self._alarm
            if wanted != self._used or warnings.filters != self._filters:
                self._filters = use_filters(self._capture.filters[wanted])
                self._used = wanted
            elif alarm.has_rung:  # or Python would suppress the next warning from the same line
                forget_shown()
            alarm.has_rung = False
            alarm.begin()
        self._is_on = True
        listen(self._enter)

    def late(self) -> list[Failure]:
        """Give warnings of what the task did not raise; return what fails it nevertheless."""
        if not self._takes_mishaps:
            return []
        soft = take_soft_failures(is_shared=False)
        if not self._mishaps:
            return soft
        found, self._mishaps = self._mishaps, []
        return [*warn_of(found), *soft]

    def _take_mishap(self, mishap: Mishap, _: Thread | None) -> bool:
        if self._is_on and self._takes_mishaps:
            self._mishaps.append(mishap)
            return True
        return False

    def end(self) -> Output | None:
        """Return the output since `begin`, None if there is none."""
        self._is_on = False
        outs, errs = self._texts()
        if not self._phases:
            return self._taken(outs[0], errs[0])
        # Output before the first phase belongs to that phase.
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
        """Separate the output of the phase that begins from that of the previous one."""
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
                with suppress(Exception):  # closed; or a task has replaced it
                    stream.flush()  # so that it is visible now, and not lost with the process
            nothing = ("",) * (len(self._phases) + 1)
            return nothing, nothing
        return self._stdout.read(), self._stderr.read()

    def close(self) -> None:
        """Restore the state of the process."""
        self._alarm.end()
        if self._used >= 0:
            restore_filters(self._filters_before)
        self._undo.close()


def _write_whole_lines() -> None:
    """Make workers that share a terminal print whole lines, immediately."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # not every stream supports it
            stream.reconfigure(line_buffering=True, write_through=False)  # type: ignore[union-attr]
