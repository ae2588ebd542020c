"""The reference run, with which others are compared: its tasks, their calls, kept outcomes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Literal

from ..machine.clock import cpu_of_process, now
from ..machine.deadline import Shared, TimedOut, deadline
from ..machine.stacks import stack_of
from ..model.dataclass import dataclass
from ..model.outcome import Lost, NotSent, Outcome
from ..transport.failures import describe, is_skip
from ..worker.capture.mishaps import Noticed
from ..worker.results import Copied


def sample(ids: Sequence[str], share: float) -> frozenset[str]:
    """Choose the share of `ids` (rounded up) that is verified: the same ones in every session."""
    count = math.ceil(share * len(ids))
    if not count:
        return frozenset()
    if count >= len(ids):
        return frozenset(ids)
    order = sorted(ids, key=lambda id: hashlib.sha256(id.encode()).digest())
    return frozenset(order[:count])


#: An outcome, and the exception object with its traceback.
Called = tuple[Outcome, BaseException | None]


def call(
    function: Callable[[], object],
    *,
    run: str,
    timeout: float | None = None,
    passing: tuple[type[BaseException], ...] = (KeyboardInterrupt,),
) -> Called:
    """Call `function` in this process, and return the outcome with the exception.

    A call that takes longer than `timeout` seconds is lost, provided that it returns to Python; so
    is a call that raises an exception whose text takes what is left of that. `run` names this run
    in texts. Exceptions of the classes in `passing`, which end the session, are raised.
    """
    __tracebackhide__ = True
    noticed, limit = Noticed(), None if timeout is None else Shared.of(timeout)
    cpu = cpu_of_process()
    started = now()
    try:
        if limit is None:
            with noticed:
                value = function()
        else:
            with noticed, deadline(limit):
                value = function()
    except TimedOut as error:
        lost = timed_out(f"timed out after {timeout:g} s in {run}", error)
        return Outcome(kind="lost", lost=lost, started=started), None
    except passing:
        raise
    except BaseException as error:
        ended, cpu = now(), cpu_of_process() - cpu
        kind: Literal["skip", "failure"] = "skip" if is_skip(error) else "failure"
        try:
            with deadline(limit):
                failure = describe(error, error)
        except TimedOut as slow:
            raised = f"it raised {type(error).__name__} in {run}"
            detail = f"{raised}, and str() of the exception took longer than {timeout:g} s"
            lost = timed_out(detail, slow)
            return Outcome(kind="lost", lost=lost, started=started, ended=ended), None
        late = noticed.late()
        return Outcome(
            kind=kind, failure=failure, late=late, started=started, ended=ended, cpu=cpu
        ), error
    ended, cpu = now(), cpu_of_process() - cpu
    late = noticed.late()
    return Outcome(
        kind="value", value=value, late=late, started=started, ended=ended, cpu=cpu
    ), None


def timed_out(detail: str, error: TimedOut) -> Lost:
    """Return the loss of a call that was interrupted in this process, with its stack."""
    return Lost(reason="timeout", detail=detail, stack=stack_of(error))


@dataclass(frozen=True, slots=True)
class _Kept:
    """An outcome, its value as a copy, and the shared values that it was computed from."""

    outcome: Outcome
    error: BaseException | None
    made_of: tuple[object, ...]
    value: Copied


class References:
    """Outcomes of the reference, kept while other configurations of the case need them.

    Their values are copied: a later case may change the object that an earlier one has returned.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, _Kept] = {}

    def keep(
        self,
        case: Hashable,
        outcome: Outcome,
        error: BaseException | None,
        made_of: tuple[object, ...],
    ) -> None:
        """Keep the outcome of `case`, with the shared values that it was computed from."""
        value = Copied(outcome.value)
        self._kept[case] = _Kept(replace(outcome, value=None), error, made_of, value)

    def get(self, case: Hashable, made_of: tuple[object, ...]) -> Called | None:
        """Return the kept outcome of `case`, if it was computed from these same objects."""
        kept = self._kept.get(case)
        if kept is None or len(kept.made_of) != len(made_of):
            return None
        if any(old is not new for old, new in zip(kept.made_of, made_of, strict=True)):
            return None
        value = kept.value.read()
        if type(value) is NotSent:  # not isinstance: see `Copied.of`
            return None
        return replace(kept.outcome, value=value), kept.error

    def drop(self, case: Hashable) -> None:
        """Forget `case`: no further configuration will need it."""
        self._kept.pop(case, None)
