"""What a task prints, logs and warns, and what of it is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

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
    them stands for those that were left out. `phases` says where the phases of a task with fixtures
    begin: name, and places in `out`, `err` and `log`; without, all is of the call.
    """

    out: str = ""
    err: str = ""
    log: tuple[Mapping[str, object] | str, ...] = ()
    warned: tuple[Warned, ...] = ()
    phases: tuple[tuple[str, int, int, int], ...] = ()

    @classmethod
    def joined(cls, parts: Sequence[tuple[str, Output]]) -> Output:
        """Return the output of a task from that of its phases, which may come in several parts."""
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
    def is_any(self) -> bool:
        """Whether there is any."""
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
