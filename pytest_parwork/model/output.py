"""The output of a task (printed, logged, warned), and which parts of it are to be captured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from .dataclass import dataclass

#: A warning filter that can be sent: action, pattern of the text, module and name of the category,
#: pattern of the module that warns, line. To load a class, the worker would import its module.
Filter = tuple[str, "str | None", tuple[str, str], "str | None", int]


class Warned(NamedTuple):
    """A warning in a form that can be reported where its class is not known.

    `category` is the module and the name of its class, `message` the pickled object, empty where
    it cannot be pickled.
    """

    category: tuple[str, str]
    text: str
    filename: str
    lineno: int
    message: bytes = b""


class Output(NamedTuple):
    """The output of a task in addition to its outcome; it never affects the verdict.

    `log` holds the attributes of log records, with their text formatted and their arguments
    dropped; a text among them replaces omitted records. `phases` gives the phases of a task with
    fixtures: name, and offsets in `out`, `err` and `log`. Without phases, all output is the call's.
    """

    out: str = ""
    err: str = ""
    log: tuple[Mapping[str, object] | str, ...] = ()
    warned: tuple[Warned, ...] = ()
    phases: tuple[tuple[str, int, int, int], ...] = ()

    @classmethod
    def joined(cls, parts: Sequence[tuple[str, Output]]) -> Output:
        """Return the output of a task from that of its phases; a phase may have several parts."""
        outs = [part.out for _, part in parts]
        errs = [part.err for _, part in parts]
        log: list[Mapping[str, object] | str] = []
        begins: dict[str, tuple[int, int, int]] = {}
        for number, (phase, part) in enumerate(parts):
            places = sum(map(len, outs[:number])), sum(map(len, errs[:number])), len(log)
            begins.setdefault(phase, places)
            log += part.log
        warned = dict.fromkeys(warned for _, part in parts for warned in part.warned)
        phases = tuple((phase, *places) for phase, places in begins.items())
        return cls("".join(outs), "".join(errs), tuple(log), tuple(warned), phases)

    @property
    def plain(self) -> tuple[object, ...]:
        """The same in built-in types, which can be pickled where a task has broken all imports."""
        return (*self[:3], tuple(map(tuple, self.warned)), self.phases)

    @classmethod
    def of(cls, plain: tuple[Any, ...]) -> Output:
        """Return the output whose `plain` this is."""
        out, err, log, warned, phases = plain
        return cls(out, err, log, tuple(Warned(*each) for each in warned), phases)

    @property
    def is_any(self) -> bool:
        """Whether there is any output."""
        return bool(self.out or self.err or self.log or self.warned)

    def during(self, phase: str) -> Output:
        """Return what was printed and logged in a phase: `setup`, `call` or `teardown`."""
        if not self.phases:
            return self if phase == "call" else Output()
        ends = [*self.phases[1:], ("", len(self.out), len(self.err), len(self.log))]
        for (name, out, err, log), (_, out_end, err_end, log_end) in zip(
            self.phases, ends, strict=True
        ):
            if name == phase:
                return Output(self.out[out:out_end], self.err[err:err_end], self.log[log:log_end])
        return Output()


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """Which output of tasks is captured, and the logging and warning settings of workers.

    With `streams`, stdout and stderr are captured. `root_level` is the level of the root logger,
    None if no logs are captured; `log_level` is the lowest level that is kept, and `disabled` are
    the disabled loggers. `filters` are sets of warning filters, in order of precedence; empty if
    warnings are not captured. `chosen` gives the number of the set for each task, empty if all
    tasks have the first set. With `from_threads`, this also applies to worker threads in pytest's
    own process. Their output reaches pytest in any case, but without the task that it belongs to.
    """

    streams: bool = True
    root_level: int | None = None
    log_level: int = 0
    disabled: tuple[str, ...] = ()
    filters: tuple[tuple[Filter, ...], ...] = ()
    chosen: tuple[int, ...] = ()
    from_threads: bool = True

    def excerpt(self, tasks: Sequence[int]) -> Capture:
        """Return the settings for these tasks only, renumbered in their order."""
        chosen = tuple(self.chosen[task] for task in tasks) if self.chosen else ()
        return replace(self, chosen=chosen)

    def set_of(self, task: int) -> int:
        """Return the number of the filter set of a task."""
        return self.chosen[task] if self.chosen else 0
