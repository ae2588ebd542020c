"""What is warned during a task, under the filters that pytest has for it."""

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

__all__ = [
    "Alarm",
    "Key",
    "filters_here",
    "forget_shown",
    "key_of",
    "restore_filters",
    "use_filters",
    "warning_of",
]

#: How many different warnings are kept of one task.
MOST = 1000

#: Around the tasks of a worker of dask, where an error would end what the worker itself does.
HOSTS = r"(distributed|tornado|asyncio)(\.|$)"

Key = tuple[tuple[str, str], str, str, int]


class Alarm:
    """Keeps each different warning once, for the task that `of` says, if any.

    `warnings.showwarning` may be replaced by anybody, the module says. Not `catch_warnings`, which
    is slow, and not for threads. With `is_shared`, another task may warn at the same time.
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
        """Take all warnings from now on, or again, if a task has put something else there."""
        if warnings.showwarning is not self._hook:
            self._outside = warnings.showwarning
            warnings.showwarning = self._hook

    def end(self) -> None:
        """Leave warnings to whoever had them before."""
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


def key_of(message: Warning | str, category: type[Warning], filename: str, lineno: int) -> Key:
    """Return what makes a warning the same as another one."""
    return (category.__module__, category.__qualname__), str(message), filename, lineno


def filters_here() -> tuple[Filter, ...]:
    """Return the warning filters of this process, the first before all others."""
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
    """Let these filters hold; return them as they stand."""
    warnings.resetwarnings()
    if _is_in_dask():
        warnings.filterwarnings("ignore", module=HOSTS)
    for action, message, category, module, line in filters:
        warnings.filterwarnings(
            action,  # type: ignore[arg-type]  # it was one of them where it comes from
            message=message or "",
            category=_named(*category),
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
    """Let be shown again what was shown before: every new filter has that effect."""
    warnings.simplefilter("default", _NobodysWarning, append=True)


def restore_filters(filters: Sequence[Any]) -> None:
    """Put the filters back that were there before."""
    warnings.resetwarnings()
    warnings.filters[:] = filters  # type: ignore[index]  # a list, in CPython


class _NobodysWarning(Warning):
    """Of which there is none."""


def warning_of(warned: Warned, *, seconds: float | None = None) -> warnings.WarningMessage:
    """Return a warning as `warnings` would have recorded it here.

    Its object is loaded within so many seconds; else its text stands for it.
    """
    category = _named(*warned.category)
    message: Warning | None = None
    if warned.message:
        with suppress(Exception, TimedOut), deadline(seconds):
            message = load(warned.message)
    if not isinstance(message, Warning):
        message = _Told(warned.text)
    return warnings.WarningMessage(message, category, warned.filename, warned.lineno)


class _Told(Warning):
    """Stands for the object of a warning that could not travel."""


class _ByName(type):
    """The class of classes that stand for one that need not be imported here."""

    named: tuple[str, str]

    def __subclasscheck__(cls, other: type) -> bool:
        return any((k.__module__, k.__qualname__) == cls.named for k in other.__mro__)


def _named(module: str, name: str) -> type[Warning]:
    """Return the class of that name, or a stand-in: to import it may take longer than the task."""
    found: object = builtins if module == "builtins" else sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if isinstance(found, type) and issubclass(found, Warning):
        return found
    made = _ByName(name.rpartition(".")[2], (Warning,), {"__module__": module})
    made.named = (module, name)
    return made  # type: ignore[return-value]  # it was made of Warning


def _pattern(value: object) -> str | None:
    """Return the text of a pattern; the interpreter's own filters may have a plain name instead."""
    if value is None:
        return None
    return f"{re.escape(value)}\\Z" if isinstance(value, str) else value.pattern  # type: ignore[attr-defined]


def _pickled(message: object) -> bytes:
    try:
        return by_reference(message, protocol=5)
    except Exception:
        return b""
