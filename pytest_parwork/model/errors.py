"""The errors and the warning of the package.

::

    ParworkError
    ├── UsageError(ValueError)          a setting that cannot be: names the value and the remedy
    │   └── FixtureError                a fixture that cannot be where the case runs
    ├── PayloadError(TypeError)         something that cannot travel to a worker
    ├── BackendError(RuntimeError)      a backend that cannot start or went away
    ├── MismatchError(AssertionError)   parallel and serial outcomes differ
    └── LostError(RuntimeError)         a task without an outcome: its worker died

    ParworkWarning(UserWarning)         what may go wrong and was asked for by name

What users and libraries have contributed to their texts is written out where it is not printable.
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
    """A setting that cannot be; the text names the value and the remedy."""


@public()
class FixtureError(UsageError):
    """A fixture, or a part of one, that cannot be made where the case runs."""


@public()
class PayloadError(ParworkError, TypeError):
    """A function, argument or result that cannot travel between processes."""


@public()
class BackendError(ParworkError, RuntimeError):
    """A backend that cannot start its workers, or lost them all."""


@public()
class MismatchError(ParworkError, AssertionError):
    """The parallel outcome differs from the serial one."""


@public()
class LostError(ParworkError, RuntimeError):
    """A task has no outcome, because its worker died or was ended."""


@public()
class ParworkWarning(UserWarning):
    """Something that may go wrong, and that the user asked for by name."""

    def __init__(self, *args: object) -> None:
        super().__init__(*_printable(args))


def _printable(args: tuple[object, ...]) -> list[object]:
    return [printable(arg) if isinstance(arg, str) else arg for arg in args]
