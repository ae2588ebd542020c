"""What a task prints, logs and warns, and what of it is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Capture", "Filter", "Output", "Warned"]

#: A warning filter that travels: action, pattern of the text, module and name of the category,
#: pattern of the module that warns, line. A class would make its worker import where it is from.
Filter = tuple[str, "str | None", tuple[str, str], "str | None", int]


class Warned(NamedTuple):
    """A warning as it can be told where its class is not known.

    `category` is the module and the name of its class, `message` the pickle of the object, empty
    where it has none.
    """

    category: tuple[str, str]
    text: str
    filename: str
    lineno: int
    message: bytes = b""


class Output(NamedTuple):
    """What came of a task beside its outcome, never part of a verdict.

    `log` are the attributes of log records, their text made and their arguments gone; a text among
    them stands for those that were left out.
    """

    out: str = ""
    err: str = ""
    log: tuple[Mapping[str, object] | str, ...] = ()
    warned: tuple[Warned, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """What of the output of tasks is to come back, and what holds for it in workers.

    With `streams`, stdout and stderr; `root_level` is the level of the root logger, None if nothing
    that is logged is wanted, `log_level` that of what is kept, `disabled` are the loggers that are
    off. `filters` are the sets of warning filters, the first of a set before all others, none if
    warnings are left alone; `chosen` has the number of the set of each task, empty if all have the
    first. With `from_threads`, this holds also for threads of the process of pytest, where all that
    they do arrives anyway, of whatever task.
    """

    streams: bool = True
    root_level: int | None = None
    log_level: int = 0
    disabled: tuple[str, ...] = ()
    filters: tuple[tuple[Filter, ...], ...] = ()
    chosen: tuple[int, ...] = ()
    from_threads: bool = True

    def set_of(self, task: int) -> int:
        """Return the number of the set of filters that a task has."""
        return self.chosen[task] if self.chosen else 0
