"""The comparison of two outcomes of one task."""

from __future__ import annotations

from functools import lru_cache

from ..machine.deadline import TimedOut, deadline
from ..model.comparison import Comparison, Mismatch, Note, OwnComparison, Policy
from ..model.errors import UsageError
from ..model.outcome import Outcome
from .failures import describe_difference, describe_obstacle, report_obstacle
from .show import clip, mask_addresses, name_type, show


def compare_outcomes(
    actual: Outcome,
    expected: Outcome,
    policy: Policy,
    *,
    values: bool = True,
    own: OwnComparison | None = None,
    seconds: float | None = None,
) -> Comparison:
    """Compare the outcome of a task with the expected one.

    Values are compared by `policy`, or not at all if `values` is false. Failures are compared by
    type, then by arguments or text, notes and chain; a failure of the set-up differs from one of
    the body. Skips are equal; another reason is a note. `own` compares the parts of values first.
    Outcomes whose comparison takes longer than `seconds`, as with an endless `__eq__`, or raises
    anything, are not equal. ValueError for an outcome that is lost or not sent, UsageError for a
    policy that gives no answer.
    """
    for side in (actual, expected):
        if side.kind in ("lost", "not_sent"):
            raise ValueError(f"an outcome that is {side.kind} has nothing to compare")
    try:
        if seconds is None:
            return _compare_known(actual, expected, policy, own, values=values)
        with deadline(seconds):
            return _compare_known(actual, expected, policy, own, values=values)
    except TimedOut:
        text = f"comparing the two results took longer than {seconds:g} s"
        return report_uncomparable(actual, expected, policy, text)
    except (KeyboardInterrupt, UsageError):
        raise
    except BaseException as error:
        return report_uncomparable(actual, expected, policy, describe_obstacle(error))


def _compare_known(
    actual: Outcome,
    expected: Outcome,
    policy: Policy,
    own: OwnComparison | None,
    *,
    values: bool,
) -> Comparison:
    is_phase_same = actual.phase == expected.phase or actual.kind == "skip"
    if actual.kind != expected.kind or not is_phase_same:
        return report(actual, expected, policy, kind="outcome")
    if actual.kind == "value" and values:
        return policy(actual.value, expected.value, own=own)
    if actual.kind == "failure" and actual.failure is not None and expected.failure is not None:
        difference = describe_difference(actual.failure, expected.failure)
        if difference is not None:
            return report(actual, expected, policy, kind="exception", difference=difference)
    if actual.kind != "skip":
        return _equal_by(str(policy))
    return Comparison(policy=str(policy), notes=_note_reason(actual, expected))


@lru_cache
def _equal_by(policy: str) -> Comparison:
    """Return the comparison of two outcomes that are equal, created once for each policy."""
    return Comparison(policy=policy)


def _note_reason(actual: Outcome, expected: Outcome) -> tuple[Note, ...]:
    """Note that two skips have different reasons."""
    if actual.kind != "skip" or actual.failure is None or expected.failure is None:
        return ()
    reasons = [mask_addresses(side.failure.text) for side in (actual, expected) if side.failure]
    if reasons[0] == reasons[1]:
        return ()
    text = f"skipped for the reason {show(reasons[0])}, expected {show(reasons[1])}"
    return (Note(path="", kind="skip-reason", text=text),)


def report(
    actual: Outcome, expected: Outcome, policy: Policy, *, kind: str, difference: str = ""
) -> Comparison:
    """Return the comparison of two outcomes that differ as a whole."""
    mismatch = Mismatch(
        path="",
        kind=kind,
        actual=write_outcome(actual),
        expected=write_outcome(expected),
        difference=difference,
    )
    return Comparison.different(mismatch, str(policy))


def report_uncomparable(
    actual: Outcome, expected: Outcome, policy: Policy, text: str
) -> Comparison:
    """Return the comparison of outcomes that cannot be compared, or not in time."""
    return report_obstacle(_name_kind(actual), _name_kind(expected), text, policy)


def _name_kind(outcome: Outcome) -> str:
    """Name the kind of an outcome without its value, whose `__repr__` may never return."""
    if outcome.kind == "value":
        return f"<{name_type(type(outcome.value))}>"
    return outcome.failure.type if outcome.failure is not None else outcome.kind


def write_outcome(outcome: Outcome) -> str:
    """Write `value 3`, `ValueError: bad`, `skip: reason`."""
    if outcome.kind == "value":
        return f"value {show(outcome.value)}"
    if outcome.failure is None:
        return outcome.kind
    name = "skip" if outcome.kind == "skip" else outcome.failure.type.removeprefix("builtins.")
    if outcome.phase == "setup" and outcome.kind == "failure":
        name = f"set-up failed: {name}"
    text = outcome.failure.text
    return clip(mask_addresses(f"{name}: {text}" if text else name), limit=200)
