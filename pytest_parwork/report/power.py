"""What clean results can have missed: a share that was verified, and the repeats of cases."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from operator import attrgetter

from ..model import stats
from ..model.dataclass import dataclass
from ..model.outcome import Verdict
from .entries import BY_SHARE, CaseEntry
from .figures import counted, duration, percent

#: The confidence of all statements here, as usual.
CONFIDENCE = 0.95

#: Seconds of a serial run, and its part of the time, from which on a share is worth a thought.
LONG, MOSTLY = 60.0, 0.75

#: The share that is suggested then, of at least so many cases.
SHARE, SAMPLE = 0.05, 25

#: How the tasks of a case are counted in words, by their verdict.
_WORDS = {
    Verdict.LOST: "lost",
    Verdict.DIFFERENT: "different",
    Verdict.NOT_SENT: "not sent",
    Verdict.NOT_VERIFIED: "not verified",
    Verdict.EQUAL: "equal",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What the clean results of a run rule out, with so much `confidence`.

    `verified` of `cases` were compared with a serial run, and `unseen` is how many of the others
    could be wrong at most; None where all were compared. Each case ran `repeats` times or more, and
    a difference that shows in more than the share `rate` of all runs of a case would have been
    seen; None where no case is repeated.
    """

    confidence: float = CONFIDENCE
    verified: int
    cases: int
    unseen: int | None = None
    repeats: int | None = None
    rate: float | None = None


def power_of(cases: Sequence[CaseEntry]) -> Power | None:
    """Return what clean cases rule out, None if any is not clean or nothing limits the power.

    The first and last case of each worker are always verified, so they are no part of the sample.
    """
    left = [case for case in cases if case.why.startswith(BY_SHARE)]
    verified = [case for case in cases if case.verdict is Verdict.EQUAL]
    repeats = min([len(case.repeats) for case in verified], default=0)
    if not verified or not (left or repeats):
        return None
    if sum(not case.is_skipped for case in cases) != len(left) + len(verified):
        return None
    unseen = None
    if left:
        ends = first_and_last(cases)
        fixed = sum((case.index, case.id) in ends for case in verified)
        unseen = stats.most_unseen(
            len(verified) + len(left) - fixed, len(verified) - fixed, confidence=CONFIDENCE
        )
    return Power(
        verified=len(verified),
        cases=len(verified) + len(left),
        unseen=unseen,
        repeats=repeats or None,
        rate=stats.highest_rate(repeats, confidence=CONFIDENCE) if repeats else None,
    )


def first_and_last(cases: Sequence[CaseEntry]) -> frozenset[tuple[int, str]]:
    """Return the cases with the first and the last task of each worker, by index and id."""
    spans: dict[tuple[str, int], list[tuple[float, tuple[int, str]]]] = {}
    for case in cases:
        for task in case.tasks:
            if task.worker is not None and task.interval is not None:
                key = (case.run, task.worker)
                spans.setdefault(key, []).append((task.interval[1], (case.index, case.id)))
    return frozenset(one for span in spans.values() for _, one in (min(span), max(span)))


def power_notes(power: Power | None) -> Iterator[str]:
    """Say what clean results can have missed."""
    if power is None:
        return
    sure = f"({percent(power.confidence)})"
    if power.unseen is not None:
        yield (
            f"{power.verified:,} of {power.cases:,} cases verified, all equal: up to "
            f"{power.unseen:,} wrong could go unseen {sure}"
        )
    if power.repeats is not None and power.rate is not None:
        yield (
            f"{counted(power.repeats, 'clean repeat')} of each case: a difference that shows in "
            f"more than {100 * power.rate:.2g} % of its runs would have been seen {sure}"
        )


def sampling_advice(cases: Sequence[CaseEntry], serial: float | None, others: float) -> str:
    """Say what a share would verify, and in what time; empty if that would save little.

    `serial` are the seconds of all cases in the serial run, `others` those of the rest of the run.
    """
    checked = [case for case in cases if case.serial is not None]
    number = len(checked)
    if serial is None or serial < LONG or number < len(cases) or number < 4 * SAMPLE:
        return ""
    if (part := serial / (serial + others)) < MOSTLY:
        return ""
    share = math.ceil(100 * max(SHARE, SAMPLE / number)) / 100
    sample = math.ceil(share * number)
    unseen = stats.most_unseen(number, sample, confidence=CONFIDENCE)
    return (
        f"the serial run took {percent(part)} of the time; verify={share:g} would check "
        f"{sample:,} cases in about {duration(serial * sample / number)}, and leave up to "
        f"{unseen:,} wrong ones unseen ({percent(CONFIDENCE)})"
    )


def repeats_row(case: CaseEntry) -> Iterator[tuple[str, str]]:
    """Yield how many of the tasks of a case that is repeated are equal, and how many are not."""
    if case.repeats:
        numbers = Counter(task.verdict for task in case.repeats)
        found = [(word, numbers[verdict]) for verdict, word in _WORDS.items()]
        parts = [f"{number} {word}" for word, number in found if number]
        yield "repeats", f"of {len(case.repeats)} tasks {', '.join(parts)}"


def repetition(cases: Sequence[CaseEntry]) -> str:
    """Say how often each case ran; empty if no case is repeated."""
    if not any(map(attrgetter("repeats"), cases)):
        return ""
    numbers = sorted({len(case.tasks) for case in cases if not case.is_skipped})
    if not numbers or numbers[-1] == 1:
        return ""
    least = "" if len(numbers) == 1 else f"{numbers[0]} to "
    return f"each case {least}{numbers[-1]} times"
