"""The errors and the warning of the package.

::

    ParworkError
    ├── UsageError(ValueError)          an invalid setting: names the value and the remedy
    │   └── FixtureError                a fixture that cannot be set up where the case runs
    ├── PayloadError(TypeError)         something that cannot be sent to a worker
    ├── BackendError(RuntimeError)      a backend that cannot start, or lost its workers
    ├── MismatchError(AssertionError)   parallel and serial outcomes differ
    └── LostError(RuntimeError)         a task without an outcome: its worker died

    ParworkWarning(UserWarning)         a risk that the user chose by name

Unprintable characters in texts that come from users and libraries are escaped.
"""

from __future__ import annotations

from .printable import printable
from .public import public


@public()
class ParworkError(Exception):
    """Base of all errors that parwork raises."""

    def __init__(self, *args: object) -> None:
        super().__init__(*_printable(args))


@public()
class UsageError(ParworkError, ValueError):
    """An invalid setting; the text names the value and the remedy."""


@public()
class FixtureError(UsageError):
    """A fixture, or a part of one, that cannot be set up where the case runs."""


@public()
class PayloadError(ParworkError, TypeError):
    """A function, argument or result that cannot be sent between processes."""


@public()
class BackendError(ParworkError, RuntimeError):
    """A backend that cannot start its workers, or has lost them all."""


@public()
class MismatchError(ParworkError, AssertionError):
    """The parallel outcome differs from the serial one."""


@public()
class LostError(ParworkError, RuntimeError):
    """A task has no outcome, because its worker died or was killed."""


@public()
class ParworkWarning(UserWarning):
    """A risk that the user chose by name."""

    def __init__(self, *args: object) -> None:
        super().__init__(*_printable(args))


def _printable(args: tuple[object, ...]) -> list[object]:
    return [printable(arg) if isinstance(arg, str) else arg for arg in args]
