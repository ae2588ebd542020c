"""The warnings of a task, under the filters that pytest has for it."""

from __future__ import annotations

import builtins
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TextIO, cast

from ...machine.deadline import TimedOut, deadline
from ...model.output import Filter, Warned
from ...transport.pickling import by_reference, load

#: At most so many different warnings of one task are kept.
MOST = 1000

#: Modules of dask's workers, whose own code a warning that is raised as an error would break.
HOSTS = r"(distributed|tornado|asyncio)(\.|$)"

#: The warnings that pytest makes of exceptions that nobody caught.
UNCAUGHT = {
    ("pytest", "PytestUnhandledThreadExceptionWarning"),
    ("pytest", "PytestUnraisableExceptionWarning"),
}

Key = tuple[tuple[str, str], str, str, int]


class Alarm:
    """Keeps each different warning once, in the dict of the task that `of` returns, if any.

    It replaces `warnings.showwarning`, as that module's documentation allows. `catch_warnings` is
    slow, and does not support threads. With `is_shared`, another task may warn at the same time.
    """

    def __init__(
        self, of: Callable[[], dict[Key, Warned] | None], *, is_shared: bool = False
    ) -> None:
        self._of = of
        self._is_shared = is_shared
        self._outside: Any = warnings.showwarning
        self._hook = self._take
        self.has_rung = False

    def begin(self) -> None:
        """Start capturing warnings, also if a task has replaced the hook."""
        if warnings.showwarning is not self._hook:
            self._outside = warnings.showwarning
            warnings.showwarning = self._hook

    def end(self) -> None:
        """Restore the previous hook."""
        if warnings.showwarning is self._hook:
            warnings.showwarning = self._outside

    def _take(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        known = self._of()
        if known is None:
            self._outside(message, category, filename, lineno, file, line)
            return
        self.has_rung = True
        if self._is_shared:
            forget_shown()
        key = key_of(message, category, filename, lineno)
        if key not in known and len(known) < MOST:
            known[key] = Warned(*key, _pickled(message))


def as_shown(key: Key) -> Key:
    """Return the key that a warning shares with that of the other leg, whose texts differ.

    An exception that nobody caught is reported with the number of its thread or an address, and
    with the place of the code that reports it: what remains is the exception itself.
    """
    if key[0] not in UNCAUGHT:
        return key
    lines = key[1].partition("\nEnable tracemalloc")[0].rstrip().splitlines()
    return (key[0], lines[-1] if lines else "", "", 0)


def key_of(message: Warning | str, category: type[Warning], filename: str, lineno: int) -> Key:
    """Return the key that equal warnings share."""
    return (category.__module__, category.__qualname__), str(message), filename, lineno


def filters_here() -> tuple[Filter, ...]:
    """Return the warning filters of this process, in order of precedence."""
    return tuple(
        (
            action,
            _pattern(message),
            (category.__module__, category.__qualname__),
            _pattern(module),
            line,
        )
        for action, message, category, module, line in cast("Any", warnings.filters)
    )


def use_filters(filters: tuple[Filter, ...]) -> list[Any]:
    """Set these filters; return them in the form of `warnings.filters`."""
    warnings.resetwarnings()
    if _is_in_dask():
        warnings.filterwarnings("ignore", module=HOSTS)
    for action, message, category, module, line in filters:
        warnings.filterwarnings(
            action,  # type: ignore[arg-type]  # a valid one: it comes from `filters_here`
            message=message or "",
            category=named_category(*category),
            module=module or "",
            lineno=line,
            append=True,
        )
    forget_shown()
    return list(warnings.filters)


def _is_in_dask() -> bool:
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return False
    try:
        distributed.get_worker()
    except ValueError:
        return False
    return True


def forget_shown() -> None:
    """Reset Python's memory of warnings already shown; adding any filter has that effect."""
    warnings.simplefilter("default", _NobodysWarning, append=True)


def restore_filters(filters: Sequence[Any]) -> None:
    """Restore the previous filters."""
    warnings.resetwarnings()
    warnings.filters[:] = filters  # type: ignore[index]  # a list, in CPython


class _NobodysWarning(Warning):
    """A category that no warning has."""


def warning_of(warned: Warned, *, seconds: float | None = None) -> warnings.WarningMessage:
    """Return a warning as `warnings` would have recorded it here.

    Its object is loaded within `seconds`; otherwise its text replaces it.
    """
    category = named_category(*warned.category)
    message: Warning | None = None
    if warned.message:
        with suppress(Exception, TimedOut), deadline(seconds):
            message = load(warned.message)
    if not isinstance(message, Warning):
        message = _TextOnly(warned.text)
    return warnings.WarningMessage(message, category, warned.filename, warned.lineno)


class _TextOnly(Warning):
    """Replaces the object of a warning that could not be sent or loaded."""


class _ByName(type):
    """The metaclass of stand-ins for warning classes that are not imported here."""

    named: tuple[str, str]

    def __subclasscheck__(cls, other: type) -> bool:
        return any((k.__module__, k.__qualname__) == cls.named for k in other.__mro__)


def named_category(module: str, name: str) -> type[Warning]:
    """Return the class of that name, or a stand-in: importing it may take longer than the task."""
    found: object = builtins if module == "builtins" else sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if isinstance(found, type) and issubclass(found, Warning):
        return found
    # Those of pytest have a base of their own, which filters may name.
    is_derived = module == "pytest" and name != "PytestWarning"
    base = named_category("pytest", "PytestWarning") if is_derived else UserWarning
    made = _ByName(name.rpartition(".")[2], (base,), {"__module__": module})
    made.named = (module, name)
    return made  # type: ignore[return-value]  # it derives from Warning


def _pattern(value: object) -> str | None:
    """Return the text of a pattern; the interpreter's own filters may have a string instead."""
    if value is None:
        return None
    if not isinstance(value, str):
        return value.pattern  # type: ignore[attr-defined, no-any-return]
    text = f"{re.escape(value)}\\Z"
    re.compile(text)  # so that forked workers need not, each of them 0.6 ms
    return text


def _pickled(message: object) -> bytes:
    try:
        return by_reference(message, protocol=5)
    except Exception:
        return b""
