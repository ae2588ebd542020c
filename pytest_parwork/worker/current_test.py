"""The variable by which a test, and what it calls, can read the name of the running test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..machine.system import is_main_thread, os, threading

#: pytest sets it while a test runs.
VARIABLE = "PYTEST_CURRENT_TEST"

#: As it was at import: a case may replace it.
ENVIRONMENT = os.environ


class _Own(threading.local):
    """The text of the variable in this thread; None in threads that run no task."""

    text: str | None = None


_OWN = _Own()


def name_test(test: str, phase: str) -> None:
    """Set the variable as pytest does; `test` is the node id, `phase` is `setup`, `call` ….

    Inside `named_by_thread`, only the calling thread reads it.
    """
    text = f"{test} ({phase})".replace("\x00", "(null)")
    # A thread that was given up still runs after the end of its run.
    is_shared = _OWN.text is not None or isinstance(ENVIRONMENT, _ByThread)
    if is_shared and not is_main_thread():
        _OWN.text = text
    else:
        ENVIRONMENT[VARIABLE] = text


def exchange_name(text: str | None) -> str | None:
    """Set the variable to a text, or remove it; return what it was."""
    before = ENVIRONMENT.get(VARIABLE)
    if text is not None:
        ENVIRONMENT[VARIABLE] = text
    elif before is not None:
        del ENVIRONMENT[VARIABLE]
    return before


@contextmanager
def named_by_thread() -> Iterator[None]:
    """Let each thread that runs tasks read the name of its own test inside the block.

    The variable of the process does not change for them, so processes that such a task starts
    inherit that. Setting it there would be no better, as there are several tests, and C code that
    reads any variable in another thread at that moment may crash.
    """
    before = ENVIRONMENT.get(VARIABLE)
    _ByThread.enter()
    try:
        yield
    finally:
        _ByThread.leave()
        exchange_name(before)


class _ByThread(os._Environ[str]):
    """The class of `os.environ` meanwhile."""

    users = 0
    plain: type = type(ENVIRONMENT)

    @classmethod
    def enter(cls) -> None:
        cls.users += 1
        ENVIRONMENT.__class__ = cls

    @classmethod
    def leave(cls) -> None:
        cls.users -= 1
        if not cls.users:
            ENVIRONMENT.__class__ = cls.plain

    def __getitem__(self, key: str) -> str:
        if key == VARIABLE and _OWN.text is not None:
            return _OWN.text
        return super().__getitem__(key)

    def __setitem__(self, key: str, value: str) -> None:
        if key == VARIABLE and _OWN.text is not None:
            _OWN.text = value
        else:
            super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        if key == VARIABLE and _OWN.text is not None:
            _OWN.text = None
        else:
            super().__delitem__(key)
