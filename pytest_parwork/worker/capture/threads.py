"""The output of worker threads, which share a process with other threads."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import Thread
from typing import Any
from weakref import WeakKeyDictionary

from ...machine.system import threading
from ...model.outcome import Failure
from ...model.output import Capture, Output, Warned
from .bounds import Entries, Text
from .logs import Listener, Record
from .mishaps import Hooked, Mishap, take_soft_failures, warn_of
from .phases import listen
from .warned import Alarm, Key, restore_filters, use_filters


class _Heard:
    """The output of one thread during a task; most tasks have none."""

    stdout: Text | None = None
    stderr: Text | None = None
    log: Entries[Record] | None = None
    warned: dict[Key, Warned] | None = None

    def __init__(self, phase: str = "", before: Sequence[tuple[str, Output]] = ()) -> None:
        self._phase = phase
        self._before = before

    def entering(self, phase: str) -> _Heard:
        """Return the object for the output of the next phase."""
        return _Heard(phase, self._parts(self._phase or phase))

    def output(self) -> Output | None:
        """Return the whole output, None if there is none."""
        if not self._phase:
            return self._last()
        parts = self._parts(self._phase)
        return Output.joined(parts) if parts else None

    def _parts(self, phase: str) -> Sequence[tuple[str, Output]]:
        last = self._last()
        return self._before if last is None else (*self._before, (phase, last))

    def _last(self) -> Output | None:
        if not (self.stdout or self.stderr or self.log or self.warned):
            return None
        return Output(
            self.stdout.all() if self.stdout else "",
            self.stderr.all() if self.stderr else "",
            self.log.all() if self.log else (),
            tuple(self.warned.values()) if self.warned else (),
        )


class ThreadCapture:
    """Captures what each thread prints through Python, logs and warns during its task.

    Output through descriptors cannot be assigned to a thread, nor that of threads which a task has
    started: neither is redirected. With `sets_filters`, the warning filters of the tasks are set;
    in pytest's process they are set already.
    """

    def __init__(self, capture: Capture, *, sets_filters: bool = False) -> None:
        self._capture = capture
        self._heard: dict[int, _Heard] = {}
        self._undo = ExitStack()
        self._sets_filters = sets_filters
        self._used = -1
        self._alarm = Alarm(self._warned_here, is_shared=True)
        self._mishaps: dict[int, list[Mishap]] = {}
        self._started = WeakKeyDictionary[Thread, int]()  # by whose task

    def start(self) -> None:
        """Replace what all threads use: streams, the log handler, the warning hook."""
        self._undo.enter_context(Hooked(self._take_mishap))
        self._undo.enter_context(self._followed())
        if self._capture.streams:
            for name in ("stdout", "stderr"):
                self._replace(name)
        if self._capture.root_level is not None:
            listener = Listener(self._capture, self._log_here)
            listener.begin()
            self._undo.callback(listener.end)
        if self._capture.filters:
            self._undo.callback(restore_filters, list(warnings.filters))
            self._alarm.begin()
            self._undo.callback(self._alarm.end)

    def begin(self, task: int, *, is_by_pytest: bool = False) -> None:
        """Start capturing the output of this thread; `is_by_pytest` as in `ProcessCapture`."""
        # Only if no other task is running: it would lose its own filters.
        if self._sets_filters and self._capture.filters and not self._heard:
            wanted = self._capture.set_of(task)
            if wanted != self._used:
                use_filters(self._capture.filters[wanted])
                self._used = wanted
        ident = threading.get_ident()
        self._heard[ident] = _Heard()
        if not is_by_pytest:
            self._mishaps[ident] = []
            take_soft_failures(is_shared=True)
        listen(self._enter)

    def late(self) -> list[Failure]:
        """Give warnings of what the task did not raise; return what fails it nevertheless."""
        found = self._mishaps.pop(threading.get_ident(), None)
        if found is None:
            return []
        soft = take_soft_failures(is_shared=True)
        return [*warn_of(found), *soft] if found else soft

    def _take_mishap(self, mishap: Mishap, thread: Thread | None) -> bool:
        ident = threading.get_ident() if thread is None else self._started.get(thread, -1)
        found = self._mishaps.get(ident)
        if found is None:
            return False
        found.append(mishap)
        return True

    @contextmanager
    def _followed(self) -> Iterator[None]:
        """Record which task starts which threads, also through other threads."""
        original = Thread.start

        def start(thread: Thread) -> None:
            ident = threading.get_ident()
            self._started[thread] = self._started.get(threading.current_thread(), ident)
            original(thread)

        Thread.start = start  # type: ignore[method-assign,assignment]
        try:
            yield
        finally:
            if Thread.start is start:
                Thread.start = original  # type: ignore[method-assign]

    def end(self, thread: int | None = None) -> Output | None:
        """Stop capturing, and return the output of this thread, or of the given one."""
        heard = self._heard.pop(thread or threading.get_ident(), None)
        return heard.output() if heard is not None else None

    def _enter(self, phase: str) -> None:
        heard = self._heard.get(threading.get_ident())
        if heard is not None:
            self._heard[threading.get_ident()] = heard.entering(phase)

    def close(self) -> None:
        """Restore the state of the process."""
        self._undo.close()

    def text_here(self, name: str) -> Text | None:
        """Return the captured text of this thread, None if it runs no task."""
        heard = self._heard.get(threading.get_ident())
        if heard is None:
            return None
        if name == "stdout":
            heard.stdout = heard.stdout or Text()
            return heard.stdout
        heard.stderr = heard.stderr or Text()
        return heard.stderr

    def _log_here(self) -> Entries[Record] | None:
        heard = self._heard.get(threading.get_ident())
        if heard is None:
            return None
        heard.log = heard.log or Entries()
        return heard.log

    def _warned_here(self) -> dict[Key, Warned] | None:
        heard = self._heard.get(threading.get_ident())
        if heard is None:
            return None
        heard.warned = heard.warned or {}
        return heard.warned

    def _replace(self, name: str) -> None:
        outside = getattr(sys, name)
        if outside is None:
            return
        made = _Sorted(outside, name, self)
        setattr(sys, name, made)

        def give_back() -> None:
            if getattr(sys, name) is made:
                setattr(sys, name, outside)

        self._undo.callback(give_back)


class _Sorted(io.TextIOBase):
    """A stream that sorts output by thread, and passes on that of threads without a task."""

    def __init__(self, outside: Any, name: str, capture: ThreadCapture) -> None:
        self._outside = outside
        self._name = name
        self._capture = capture
        self.buffer = _Bytes(self, outside)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a property there too
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]  # likewise
        return "replace"

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        kept = self._capture.text_here(self._name)
        if kept is None:
            self._outside.write(text)
        else:
            kept.write(text)
        return len(text)

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        self._outside.flush()

    def close(self) -> None:
        """Do nothing: other threads use the stream as well."""

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return int(self._outside.fileno())


class _Bytes(io.RawIOBase):
    """The buffer of `_Sorted`, for bytes."""

    def __init__(self, text: _Sorted, outside: Any) -> None:
        self._text = text
        self._outside = outside

    def write(self, data: Any, /) -> int:
        self._text.write(bytes(data).decode("utf-8", "replace"))
        return len(data)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._outside.fileno())
