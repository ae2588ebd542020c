"""Two outcomes of one task, compared."""

from __future__ import annotations

from collections.abc import Sequence

from ..machine.deadline import TimedOut, deadline
from ..model.comparison import Comparison, Mismatch, OwnComparison, Policy
from ..model.outcome import Failure, Outcome
from .policies import exact
from .records import read_arguments
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
    """Compare what a task gave with what it should have given.

    Values are compared by `policy`, or not at all where `values` is false; failures by type, then
    by what they say, and one of the set-up is not one of the body; skips are equal. `own` is asked
    of the values' parts first. What takes more than so many `seconds`, as an `__eq__` without an
    end, is not equal. ValueError for an outcome that is lost.
    """
    if "lost" in (actual.kind, expected.kind):
        raise ValueError("a lost outcome has nothing to compare")
    try:
        with deadline(seconds):
            return _compare_known(actual, expected, policy, own, values=values)
    except TimedOut:
        told = f"comparing the two results took longer than {seconds:g} s"
        return _report_timeout(_name_kind(actual), _name_kind(expected), told, policy)


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
        difference = _tell_difference(actual.failure, expected.failure)
        if difference is not None:
            return report(actual, expected, policy, kind="exception", difference=difference)
    return Comparison(policy=str(policy))


def report(
    actual: Outcome, expected: Outcome, policy: Policy, *, kind: str, difference: str = ""
) -> Comparison:
    """Return the comparison of two outcomes that differ as a whole."""
    mismatch = Mismatch(
        path="",
        kind=kind,
        actual=_write_outcome(actual),
        expected=_write_outcome(expected),
        difference=difference,
    )
    return Comparison.different(mismatch, str(policy))


def _report_timeout(actual: str, expected: str, told: str, policy: Policy) -> Comparison:
    """Return the comparison of what cannot be compared in time."""
    mismatch = Mismatch(
        path="", kind="uncomparable", actual=actual, expected=expected, difference=told
    )
    return Comparison.different(mismatch, str(policy))


def _name_kind(outcome: Outcome) -> str:
    """Say what an outcome is without a look at the value: to show it may have no end."""
    if outcome.kind == "value":
        return f"<{name_type(type(outcome.value))}>"
    return outcome.failure.type if outcome.failure is not None else outcome.kind


def _write_outcome(outcome: Outcome) -> str:
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


def compare_tear_downs(
    actual: Sequence[Failure],
    expected: Sequence[Failure],
    policy: Policy,
    *,
    seconds: float | None = None,
) -> Comparison:
    """Compare what two tear-downs raised, failure by failure in their order.

    What takes more than so many `seconds` is not equal.
    """
    difference: str | None = ""
    if len(actual) == len(expected):
        told = (_tell_difference(*pair) for pair in zip(actual, expected, strict=True))
        try:
            with deadline(seconds):
                difference = next((one for one in told if one is not None), None)
        except TimedOut:
            limit = f"comparing the two tear-downs took longer than {seconds:g} s"
            return _report_timeout("tear-down failed", "tear-down failed", limit, policy)
    if difference is None:
        return Comparison(policy=str(policy))
    mismatch = Mismatch(
        path="",
        kind="outcome" if len(actual) != len(expected) else "exception",
        actual=_write_tear_down(actual),
        expected=_write_tear_down(expected),
        difference=difference,
    )
    return Comparison.different(mismatch, str(policy))


def _write_tear_down(failures: Sequence[Failure]) -> str:
    if not failures:
        return "torn down"
    told = ", ".join(f"{one.type.removeprefix('builtins.')}: {one.text}" for one in failures)
    return clip(mask_addresses(f"tear-down failed: {told}"), limit=200)


def _tell_difference(actual: Failure, expected: Failure) -> str | None:
    """Say in what two failures differ, None if in nothing that counts.

    Of an assertion the line counts, because its text is an explanation, not a result.
    """
    if actual.type != expected.type:
        return f"type {actual.type}, expected {expected.type}"
    if actual.is_assertion and expected.is_assertion:
        if actual.where == expected.where:
            return None
        return f"raised at {_write_line(actual)}, expected at {_write_line(expected)}"
    if actual.exception is not None and expected.exception is not None:
        return _tell_arguments(actual.exception, expected.exception)
    same = mask_addresses(actual.text) == mask_addresses(expected.text)
    return None if same else "the text differs"


def _write_line(failure: Failure) -> str:
    return f"{failure.where[0]}:{failure.where[1]}" if failure.where else "an unknown line"


def _tell_arguments(actual: BaseException, expected: BaseException) -> str | None:
    """Say where the arguments of two exceptions differ first, None if nowhere."""
    sides = [
        tuple(
            mask_addresses(arg) if type(arg) is str else arg
            for arg in read_arguments(error)["args"]
        )
        for error in (actual, expected)
    ]
    comparison = exact()(*sides)
    if comparison:
        return None
    first = comparison.mismatches[0]
    detail = f" ({first.difference})" if first.difference else ""
    return f".args{first.path}: {first.actual}, expected {first.expected}{detail}"
