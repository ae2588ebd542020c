"""What clean results can have missed: the repeats of cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..model.outcome import Verdict
from .entries import CaseEntry

#: How the tasks of a case are counted in words, by their verdict.
_WORDS = {
    Verdict.LOST: "lost",
    Verdict.DIFFERENT: "different",
    Verdict.NOT_SENT: "not sent",
    Verdict.NOT_VERIFIED: "not verified",
    Verdict.EQUAL: "equal",
}


def repeats_row(case: CaseEntry) -> Iterator[tuple[str, str]]:
    """Yield how many of the tasks of a case that is repeated are equal, and how many are not."""
    if case.repeats:
        numbers = Counter(task.verdict for task in case.repeats)
        parts = [
            f"{numbers[verdict]} {word}" for verdict, word in _WORDS.items() if numbers[verdict]
        ]
        yield "repeats", f"of {len(case.repeats)} tasks {', '.join(parts)}"


def repetition(cases: Sequence[CaseEntry]) -> str:
    """Say how often each case ran; empty if no case is repeated."""
    numbers = sorted({len(case.tasks) for case in cases if not case.is_skipped})
    if not numbers or numbers[-1] == 1:
        return ""
    least = "" if len(numbers) == 1 else f"{numbers[0]} to "
    return f"each case {least}{numbers[-1]} times"
