"""The comparison of failures: of two exceptions, of two tear-downs, of what followed two bodies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import NamedTuple

from ..machine.deadline import TimedOut, deadline
from ..model.comparison import Comparison, Mismatch, Policy
from ..model.outcome import Failure, Link, Subtest
from .policies import exact
from .show import clip, mask_addresses, show


def report_obstacle(actual: str, expected: str, text: str, policy: Policy) -> Comparison:
    """Return the comparison of two sides, named in words, that cannot be compared."""
    mismatch = Mismatch(
        path="", kind="uncomparable", actual=actual, expected=expected, difference=text
    )
    return Comparison.different(mismatch, str(policy))


def describe_obstacle(error: BaseException) -> str:
    """Say why a comparison ended with an exception.

    Most are caught where they are raised, with the path. A GeneratorExit is not: it also ends walks
    that are abandoned.
    """
    return f"comparing raised {show(error)}; compare with a function"


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
    return _compare_failures(actual, expected, policy, _TORN, seconds)


def compare_late(
    actual: Sequence[Failure],
    expected: Sequence[Failure],
    policy: Policy,
    *,
    seconds: float | None = None,
) -> Comparison:
    """Compare the failures of two calls that their bodies did not raise, likewise."""
    return _compare_failures(_anonymous(actual), _anonymous(expected), policy, _LATE, seconds)


def compare_subtests(
    actual: Sequence[Subtest],
    expected: Sequence[Subtest],
    policy: Policy,
    *,
    seconds: float | None = None,
) -> Comparison:
    """Compare the subtests of two calls, one by one: parameters, how they ended, what they raised.

    That one was skipped for another reason is no difference.
    """
    sides = [*map(_as_failure, actual)], [*map(_as_failure, expected)]
    return _compare_failures(*sides, policy, _SUBTESTS, seconds)


def _as_failure(subtest: Subtest) -> Failure:
    raised = subtest.failure if subtest.ended == "failed" else None
    chain = () if raised is None else (Link(path="it", failure=raised), *raised.chain)
    return Failure(type="subtest", text=str(subtest), chain=chain)


class _Words(NamedTuple):
    """How failures of one phase are called: where there are none, and some; both sides."""

    none: str
    some: str
    both: str


_TORN = _Words("torn down", "tear-down failed", "the two tear-downs")
_LATE = _Words("nothing after the body", "after the body", "what followed the two bodies")

_SUBTESTS = _Words("no subtests", "subtests", "the subtests of the two runs")

#: The name of a thread without one of its own: the number is that of all threads so far.
_NUMBERED = re.compile(r"\bThread-\d+")

#: A line that names one of our files.
_OURS = re.compile(r"^.*\bpytest_parwork[/\\].*\n?", re.MULTILINE)


def _anonymous(failures: Sequence[Failure]) -> list[Failure]:
    """Return failures to be compared by their texts, without numbers of threads and our frames.

    pytest-check writes the calls that led to a failure into its text.
    """
    return [
        replace(
            one,
            text=_OURS.sub("", _NUMBERED.sub("Thread", one.text)),
            is_assertion=False,
            exception=None,
        )
        for one in failures
    ]


def _compare_failures(
    actual: Sequence[Failure],
    expected: Sequence[Failure],
    policy: Policy,
    words: _Words,
    seconds: float | None,
) -> Comparison:
    difference: str | None = ""
    if len(actual) == len(expected):
        texts = (describe_difference(*pair) for pair in zip(actual, expected, strict=True))
        try:
            with deadline(seconds):
                difference = next((text for text in texts if text is not None), None)
        except TimedOut:
            limit = f"comparing {words.both} took longer than {seconds:g} s"
            return report_obstacle(words.some, words.some, limit, policy)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            text = describe_obstacle(error)
            return report_obstacle(words.some, words.some, text, policy)
    if difference is None:
        return Comparison(policy=str(policy))
    mismatch = Mismatch(
        path="",
        kind="outcome" if len(actual) != len(expected) else "exception",
        actual=_write_failures(actual, words),
        expected=_write_failures(expected, words),
        difference=difference,
    )
    return Comparison.different(mismatch, str(policy))


def _write_failures(failures: Sequence[Failure], words: _Words) -> str:
    if not failures:
        return words.none
    texts = ", ".join(f"{one.type.removeprefix('builtins.')}: {one.text}" for one in failures)
    return clip(mask_addresses(f"{words.some}: {texts}"), limit=200)


def describe_difference(actual: Failure, expected: Failure) -> str | None:
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
    """Describe the first difference between two exceptions of one name, None if there is none.

    Their classes may be different ones, if they cannot be imported under that name.
    """
    from .records import read_arguments  # here, because most failures are assertions

    if difference := _describe_parts((type(actual),), (type(expected),)):
        return f".__class__{difference.removeprefix('[0]')}"
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
