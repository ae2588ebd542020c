"""The comparison of two outcomes of one task."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from ..machine.deadline import TimedOut, deadline
from ..model.comparison import Comparison, Mismatch, Note, OwnComparison, Policy
from ..model.errors import UsageError
from ..model.outcome import Failure, Link, Outcome
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
        with deadline(seconds):
            return _compare_known(actual, expected, policy, own, values=values)
    except TimedOut:
        text = f"comparing the two results took longer than {seconds:g} s"
        return report_uncomparable(actual, expected, policy, text)
    except (KeyboardInterrupt, UsageError):
        raise
    except BaseException as error:
        return report_uncomparable(actual, expected, policy, _describe_obstacle(error))


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
        difference = _describe_difference(actual.failure, expected.failure)
        if difference is not None:
            return report(actual, expected, policy, kind="exception", difference=difference)
    return Comparison(policy=str(policy), notes=_note_reason(actual, expected))


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
    return _report_uncomparable(_name_kind(actual), _name_kind(expected), text, policy)


def _report_uncomparable(actual: str, expected: str, text: str, policy: Policy) -> Comparison:
    mismatch = Mismatch(
        path="", kind="uncomparable", actual=actual, expected=expected, difference=text
    )
    return Comparison.different(mismatch, str(policy))


def _describe_obstacle(error: BaseException) -> str:
    """Say why a comparison ended with an exception.

    Most are caught where they are raised, with the path. A GeneratorExit is not: it also ends walks
    that are abandoned.
    """
    return f"comparing raised {show(error)}; compare with a function"


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


def compare_tear_downs(
    actual: Sequence[Failure],
    expected: Sequence[Failure],
    policy: Policy,
    *,
    seconds: float | None = None,
) -> Comparison:
    """Compare the failures of two tear-downs, one by one in their order.

    Failures whose comparison takes longer than `seconds` are not equal.
    """
    difference: str | None = ""
    if len(actual) == len(expected):
        texts = (_describe_difference(*pair) for pair in zip(actual, expected, strict=True))
        try:
            with deadline(seconds):
                difference = next((text for text in texts if text is not None), None)
        except TimedOut:
            limit = f"comparing the two tear-downs took longer than {seconds:g} s"
            return _report_uncomparable("tear-down failed", "tear-down failed", limit, policy)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            text = _describe_obstacle(error)
            return _report_uncomparable("tear-down failed", "tear-down failed", text, policy)
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
    texts = ", ".join(f"{one.type.removeprefix('builtins.')}: {one.text}" for one in failures)
    return clip(mask_addresses(f"tear-down failed: {texts}"), limit=200)


def _describe_difference(actual: Failure, expected: Failure) -> str | None:
    """Describe the difference of two failures, None if there is none that counts.

    Assertions are compared by their line, because their text is an explanation, not a result.
    """
    difference = _describe_own_difference(actual, expected)
    if difference is None:
        difference = _describe_notes(actual, expected)
    if difference is None:
        difference = _describe_chains(actual.chain, expected.chain)
    return difference


def _describe_notes(actual: Failure, expected: Failure) -> str | None:
    sides = [tuple(map(mask_addresses, side.notes)) for side in (actual, expected)]
    return None if sides[0] == sides[1] else f".__notes__{_describe_parts(*sides)}"


def _describe_chains(actual: Sequence[Link], expected: Sequence[Link]) -> str | None:
    """Describe the first difference of the exceptions in two chains, None if none."""
    for link, other in zip_longest(actual, expected):
        if link is None or other is None or link.path != other.path:
            return f"{_write_link(link)}, expected {_write_link(other)}"
        difference = _describe_own_difference(link.failure, other.failure)
        if difference is not None:
            texts = f"{_write_link(link)}, expected {_write_failure(other.failure)}"
            return f"{texts} ({difference})"
        difference = _describe_notes(link.failure, other.failure)
        if difference is not None:
            return f"{link.path}{difference}"
    return None


def _write_link(link: Link | None) -> str:
    return "nothing" if link is None else f"{link.path}: {_write_failure(link.failure)}"


def _write_failure(failure: Failure) -> str:
    return clip(mask_addresses(f"{failure.type}: {failure.text}".removeprefix("builtins.")))


def _describe_own_difference(actual: Failure, expected: Failure) -> str | None:
    """Describe the difference of two exceptions without their notes and chains."""
    if actual.type != expected.type:
        return f"type {actual.type}, expected {expected.type}"
    if actual.is_assertion and expected.is_assertion:
        if actual.where == expected.where:
            return None
        return f"raised at {_write_line(actual)}, expected at {_write_line(expected)}"
    if actual.exception is not None and expected.exception is not None:
        return _describe_arguments(actual.exception, expected.exception)
    same = mask_addresses(actual.text) == mask_addresses(expected.text)
    return None if same else "the text differs"


def _write_line(failure: Failure) -> str:
    return f"{failure.where[0]}:{failure.where[1]}" if failure.where else "an unknown line"


def _describe_arguments(actual: BaseException, expected: BaseException) -> str | None:
    """Describe the first difference between the arguments of two exceptions, None if none."""
    sides = [
        tuple(
            mask_addresses(arg) if type(arg) is str else arg
            for arg in read_arguments(error)["args"]
        )
        for error in (actual, expected)
    ]
    difference = _describe_parts(*sides)
    return f".args{difference}" if difference else None


def _describe_parts(actual: tuple[object, ...], expected: tuple[object, ...]) -> str:
    """Describe where two tuples first differ, empty if they do not."""
    comparison = exact()(actual, expected)
    if comparison:
        return ""
    first = comparison.mismatches[0]
    detail = f" ({first.difference})" if first.difference else ""
    return f"{first.path}: {first.actual}, expected {first.expected}{detail}"
