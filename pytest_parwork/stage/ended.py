"""How a case ended that did not come through its set-up, or not through its tear-down."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Literal

from ..culprit import explain
from ..deadline import TimedOut
from ..errors import PayloadError
from ..failures import Record, describe, is_skip, survivor
from ..model import Failure, Outcome
from ..pickling import dumps

__all__ = ["Ended", "Phase", "conclude", "leaves", "unfold"]

Phase = Literal["setup", "call"]


class Ended(Exception):  # noqa: N818, it may hold a value as well
    """Raised instead of what the body gave, with that inside: the value, or `error`.

    `phase` is how far the case came, `torn` are the failures of its tear-down in their order.
    """

    def __init__(
        self,
        phase: Phase,
        value: object,
        error: Failure | None,
        torn: Sequence[Failure],
        *,
        is_skip: bool = False,
    ) -> None:
        super().__init__(phase)
        self.phase: Phase = phase
        self.value = value
        self.error = error
        self.torn = tuple(torn)
        self.is_skip = is_skip

    @classmethod
    def of(
        cls,
        phase: Phase,
        value: object,
        error: BaseException | None,
        torn: Sequence[BaseException],
    ) -> Ended:
        """Put the exceptions into words; they stay with these in this process."""
        return cls(
            phase,
            value,
            None if error is None else describe(error, error),
            [describe(leaf, leaf) for one in torn for leaf in leaves(one)],
            is_skip=error is not None and is_skip(error),
        )

    def __reduce__(self) -> tuple[Callable[..., Ended], tuple[object, ...]]:
        error, value = self.error, b""
        try:
            value = dumps(self.value)
        except BaseException as inner:
            told = f"the result cannot travel back from a worker: {explain(self.value, inner)}"
            error = describe(PayloadError(told))
        record = None if error is None else _record(error)
        return _again, (self.phase, value, record, [*map(_record, self.torn)], self.is_skip)


def conclude(
    phase: Phase, value: object, error: BaseException | None, torn: Sequence[BaseException]
) -> object:
    """Return or raise what the body gave.

    Raises `Ended` with that inside if the set-up or the tear-down failed.
    """
    try:
        if error is not None and (
            isinstance(error, TimedOut | KeyboardInterrupt)
            or (not torn and (phase == "call" or is_skip(error)))
        ):
            raise error
        if error is not None or torn:
            raise Ended.of(phase, value, error, torn) from None
        return value
    finally:
        del error, torn  # each of them knows this frame


def leaves(error: BaseException) -> list[BaseException]:
    """Return the exceptions of a group in the order in which they were raised.

    pytest makes a group of what several fixtures raise in a tear-down, the last one first.
    """
    inner: Sequence[BaseException] | None = getattr(error, "exceptions", None)
    if inner is None or not type(error).__name__.endswith("ExceptionGroup"):
        return [error]
    return [leaf for one in reversed(inner) for leaf in leaves(one)]


def unfold(outcome: Outcome) -> Outcome:
    """Return the outcome of the body where another one holds it, with the phases around it."""
    ended = outcome.failure.exception if outcome.failure is not None else None
    if not isinstance(ended, Ended):
        return outcome
    if ended.error is None:
        return replace(outcome, kind="value", value=ended.value, failure=None, torn=ended.torn)
    return replace(
        outcome,
        kind="skip" if ended.is_skip else "failure",
        failure=ended.error,
        phase=ended.phase,
        torn=ended.torn,
    )


def _record(failure: Failure) -> Record:
    data = None if failure.exception is None else survivor(failure.exception)
    return replace(failure, exception=None), data


def _failure(record: Record) -> Failure:
    failure, data = record
    error = None
    if data is not None:
        with suppress(Exception):
            error = pickle.loads(data)
    return replace(failure, exception=error if isinstance(error, BaseException) else None)


def _again(
    phase: Phase, value: bytes, error: Record | None, torn: Sequence[Record], is_skip: bool
) -> Ended:
    return Ended(
        phase,
        pickle.loads(value) if value else None,
        None if error is None else _failure(error),
        [*map(_failure, torn)],
        is_skip=is_skip,
    )
