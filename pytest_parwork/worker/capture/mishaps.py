"""Exceptions that no body raises: in threads that it has started, in a `__del__`; soft failures."""

from __future__ import annotations

import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ...model.outcome import Failure, Link
from ...transport.failures import describe
from .warned import named_category

#: The module of pytest-check that keeps its failures. From version 3 on, each thread has its own.
CHECKS = "pytest_check.check_log"

#: That of pytest-assume, which keeps them in one list for the process.
ASSUMPTIONS = "pytest_assume.plugin"

# Without code of the exception's class, which may raise.
_with_traceback = BaseException.with_traceback

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Mishap(NamedTuple):
    """An exception that nobody caught, with the warning that pytest makes of it.

    `category` is the name of the warning's class, `summary` the beginning of its text.
    """

    category: str
    summary: str
    failure: Failure

    @classmethod
    def in_thread(cls, given: threading.ExceptHookArgs) -> Mishap:
        """Describe what a thread has raised."""
        name = "<unknown>" if given.thread is None else given.thread.name
        error = given.exc_value if given.exc_value is not None else given.exc_type()
        return cls(
            "PytestUnhandledThreadExceptionWarning",
            f"Exception in thread {name}",
            describe(_with_traceback(error, given.exc_traceback)),
        )

    @classmethod
    def unraisable(cls, given: Any) -> Mishap:
        """Describe what could not be raised."""
        error = given.exc_value if given.exc_value is not None else given.exc_type()
        return cls(
            "PytestUnraisableExceptionWarning",
            f"{given.err_msg or 'Exception ignored in'}: {given.object!r}",
            describe(_with_traceback(error, given.exc_traceback)),
        )

    def warn(self) -> Failure | None:
        """Give the warning; return a failure if the filters make it an error."""
        category = named_category("pytest", self.category)
        text = f"{self.summary}\n\n{self.failure.traceback}"
        file, line = self.failure.where or ("<unknown>", 0)
        try:
            warnings.warn_explicit(text, category, file, line)
        except category:
            return Failure(
                type=f"pytest.{self.category}",
                text=self.summary,
                traceback=text,
                where=self.failure.where,
                chain=(Link(path=".__cause__", failure=self.failure),),
            )
        return None


def warn_of(mishaps: Iterable[Mishap]) -> list[Failure]:
    """Give the warnings of mishaps; return a failure for each that the filters make an error."""
    return [failure for one in mishaps if (failure := one.warn()) is not None]


#: Takes a mishap and the thread that raised it, if one did; returns False to leave it to others.
Take = Callable[[Mishap, "threading.Thread | None"], bool]


class Hooked:
    """Gives all mishaps in a `with` block to `take`, and those that it does not want to others.

    A class, because there is a block around the body of each case, and a generator takes longer.
    """

    def __init__(self, take: Take) -> None:
        self._take = take

    def __enter__(self) -> None:
        self._before, self._before_unraisable = threading.excepthook, sys.unraisablehook
        # A bound method is another object each time that it is asked for.
        self._in_thread, self._unraisable = self.in_thread, self.unraisable
        threading.excepthook, sys.unraisablehook = self._in_thread, self._unraisable

    def __exit__(self, *_: object) -> None:
        if threading.excepthook is self._in_thread:
            threading.excepthook = self._before
        if sys.unraisablehook is self._unraisable:
            sys.unraisablehook = self._before_unraisable
        # They refer to this object: only the garbage collector would free it. A thread may still
        # have got its hook before.
        del self._in_thread, self._unraisable
        self._take = _leave_to_others

    def in_thread(self, given: threading.ExceptHookArgs) -> None:
        """Give away what a thread has raised."""
        if not self._take(Mishap.in_thread(given), given.thread):
            self._before(given)

    def unraisable(self, given: Any) -> None:
        """Give away what could not be raised."""
        if not self._take(Mishap.unraisable(given), None):
            self._before_unraisable(given)


def _leave_to_others(_: Mishap, __: threading.Thread | None) -> bool:
    return False


class Noticed(Hooked):
    """Notices, in a `with` block, what the call in it does not raise; pytest gets it as well."""

    def __init__(self) -> None:
        super().__init__(self._note)
        self._found: list[Mishap] = []

    def __enter__(self) -> None:
        self._kept = [len(texts) for texts in _soft_texts()] if _has_soft_failures() else [0, 0]
        super().__enter__()

    def _note(self, mishap: Mishap, _: threading.Thread | None) -> bool:
        self._found.append(mishap)
        return False

    def late(self) -> tuple[Failure, ...]:
        """Return what fails the case nevertheless, as the filters of warnings say."""
        if not self._found and not _has_soft_failures():
            return ()
        kept = zip(_soft_texts(), self._kept, strict=True)
        found = [_as_failure(text) for texts, before in kept for text in texts[before:]]
        if self._found:
            shown = warnings.showwarning
            warnings.showwarning = lambda *_, **__: None  # pytest itself gives the warning
            try:
                found += [failure for one in self._found if (failure := one.warn()) is not None]
            finally:
                warnings.showwarning = shown
        return tuple(found)


def take_soft_failures(*, is_shared: bool) -> list[Failure]:
    """Return the failures of pytest-check and pytest-assume in this task, and forget them.

    In a process that other tasks share, pytest-assume and older versions of pytest-check do not
    keep them apart.
    """
    found: list[Failure] = []
    if not _has_soft_failures():
        return found
    checks, assumptions = _soft_texts()
    log: Any = sys.modules.get(CHECKS)
    if log is not None and not (is_shared and hasattr(log, "_failures")):
        found += map(_as_failure, checks)
        log.clear_failures()
    if assumptions and not is_shared:
        found += map(_as_failure, assumptions)
        _assumptions().clear()
    return found


def _has_soft_failures() -> bool:
    """Return whether a plugin with soft failures is imported."""
    return CHECKS in sys.modules or ASSUMPTIONS in sys.modules


def _soft_texts() -> tuple[list[str], list[str]]:
    """Return the texts of the failures that each of the two plugins keeps."""
    log: Any = sys.modules.get(CHECKS)
    checks = [] if log is None else [str(text) for text in log.get_failures()]
    return checks, [failed.repr() for failed in _assumptions()]


def _assumptions() -> list[Any]:
    return getattr(sys.modules.get(ASSUMPTIONS), "_FAILED_ASSUMPTIONS", [])


def _as_failure(text: str) -> Failure:
    plain = _COLOUR.sub("", text).removeprefix("FAILURE: ")
    return Failure(type="soft failure", text=plain.partition("\n")[0], traceback=plain)
