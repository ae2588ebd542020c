"""The judgement of a case that is several tasks of one run: each against the same serial result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from ..model.dataclass import dataclass
from ..model.outcome import Outcome, Verdict
from ..report.repeats import Repeat
from .legs import Judged, Terms, drop, unjudged
from .reference import Called

#: Judges one task, by its number in the run, against the reference; NOT_VERIFIED without one.
Judge: TypeAlias = Callable[[int, Callable[[], Called] | None], Judged]


_GOOD = (Verdict.EQUAL, Verdict.NOT_VERIFIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """The tasks of a case in its run.

    `without_value` returns the outcome of a task that is not loaded, `judge` judges one, `free`
    frees its outcome. `terms` are those of the case.
    """

    numbers: Sequence[int]
    without_value: Callable[[int], Outcome]
    judge: Judge
    free: Callable[[int], None]
    terms: Terms

    def order(self, *, is_verified: bool) -> Sequence[int]:
        """Return the tasks, those without an outcome first.

        Of tasks that are not verified, failures are next: the first one decides.
        """
        kinds = {number: self.without_value(number).kind for number in self.numbers}
        worst = ("lost", "not_sent", *(() if is_verified else ("failure", "skip")))
        return sorted(
            self.numbers,
            key=lambda n: worst.index(kinds[n]) if kinds[n] in worst else len(worst),
        )


def judge_tasks(
    tasks: Tasks, order: Sequence[int], reference: Callable[[], Called] | None
) -> tuple[Judged, int]:
    """Judge the tasks in this order; return the judgement that counts, and the number of its task.

    The reference runs once, for the first of them. That of the first task which is not equal
    counts, or else that of the first one. At most three copies of a result exist at a time.
    """
    shown, found = order[0], tasks.judge(order[0], reference)
    seen = {shown: Repeat.of(found.entry.verdict, found.outcomes[0])}
    result = found.entry.result
    if found.is_absent:
        for number in order[1:]:
            outcome = tasks.without_value(number)
            verdict = unjudged(tasks.terms, outcome, why="").verdict
            seen[number] = Repeat.of(verdict, outcome)
    else:
        known = (found.outcomes[-1], found.error)
        again = None if reference is None else lambda: known
        for number in order[1:]:
            other = tasks.judge(number, again)
            seen[number] = Repeat.of(other.entry.verdict, other.outcomes[0])
            is_first = found.entry.verdict in _GOOD
            if is_first and other.entry.verdict not in _GOOD:
                found, shown = other, number
                continue
            is_dropped = drop(other, tasks.terms)
            tasks.free(number)
            if is_first and not is_dropped:
                found, shown = other, number
    repeats = tuple(seen[number] for number in tasks.numbers)
    found.entry = replace(found.entry, repeats=repeats, result=result)
    return found, shown
