"""The tasks of a case in its run: one, or as many as `repeat=` asks for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from ...model.outcome import Outcome
from ...model.output import Output
from ...verify.legs import Judged, Terms, judge
from ...verify.reference import Called
from ..cases.groups import Case
from ..cases.judgement import Aftermath
from ..config.marks import closest_mark
from ..messages.absent import outcome_of
from .phases import masked

if TYPE_CHECKING:
    from ...verify.repeats import Tasks

#: The mark by which pytest-rerunfailures, flaky and pytest-retry run a test again that fails.
_RERUN = "flaky"

_Value = TypeVar("_Value")


def senders_of(cases: Sequence[Case]) -> Sequence[Case]:
    """Return the case of each task, the cases themselves if each of them is one task."""
    is_any_repeated = any([case.plan.repeat > 1 for case in cases])  # noqa: C419, half the time
    return repeated(cases, cases) if is_any_repeated else cases


def repeated(cases: Sequence[Case], values: Sequence[_Value]) -> Sequence[_Value]:
    """Return the values, one for each case, each so many times as its case is a task."""
    pairs = zip(cases, values, strict=True)
    return tuple(value for case, value in pairs for _ in range(case.plan.repeat))


def copies_of(cases: Sequence[Case]) -> int:
    """Return how many tasks in a row are the same call: of the cases that are, the fewest."""
    return min((case.plan.repeat for case in cases if case.plan.repeat > 1), default=1)


class CaseTasks:
    """Loads and judges the tasks of a case, one after the other.

    What they have left besides their results is put on the case.
    """

    def __init__(self, case: Case, terms: Terms, *, is_verified: bool = True) -> None:
        self._case = case
        self._terms = terms
        self._loaded: Outcome | None = None
        self._after: dict[int, Aftermath] = {}
        self._outputs: dict[int, Output | None] = {}
        self._order: Sequence[int] = (case.sent.number,)
        if case.sent.count > 1:
            self._order = self._tasks().order(is_verified=is_verified)

    def load(self) -> Outcome:
        """Load the outcome of the first task that will be judged, and return it."""
        self._loaded = self._take(self._order[0])
        self._put(self._order[0])
        return self._loaded

    def judge(self, reference: Callable[[], Called] | None) -> Judged:
        """Judge all tasks against the reference; return the judgement that counts."""
        if len(self._order) == 1:
            return self._judge(self._order[0], reference)
        from ...verify.repeats import judge_tasks  # most cases are one task

        found, shown = judge_tasks(self._tasks(), self._order, reference)
        self._put(shown)
        return found

    def _tasks(self) -> Tasks:
        """Return the tasks; not kept, or only the garbage collector would free this object."""
        from ...verify.repeats import Tasks

        run = self._case.sent.run
        assert run is not None  # it has given them their numbers
        return Tasks(
            numbers=self._case.sent.numbers,
            without_value=run.outcomes.without_value,
            judge=self._judge,
            free=run.outcomes.free,
            terms=self._terms,
        )

    def _take(self, number: int) -> Outcome:
        case = self._case
        actual = outcome_of(case, number)
        self._outputs[number] = actual.output
        if case.fixtures is not None and actual.lost is None and actual.not_sent is None:
            late = actual.late if case.fixtures.by_pytest else None
            self._after[number] = Aftermath(torn=actual.torn, late=late, parts=actual.subtests)
        return actual

    def _judge(self, number: int, reference: Callable[[], Called] | None) -> Judged:
        case, actual, terms = self._case, self._loaded, self._terms
        is_first, self._loaded = actual is not None, None
        if actual is None:
            case.judged.renew_limit()
            actual = self._take(number)
            # Not recorded, as the first one has the same reference.
            terms = replace(terms, timeout=case.limit, is_recorded=False)
        look = case.look(terms, number)
        if look is not None and closest_mark(case.item, _RERUN):
            look = None  # a test that may be run again need not end twice in the same way
        return judge(
            terms,
            actual,
            reference,
            inputs=case.inputs if is_first else None,
            masked=functools.partial(masked, case) if case.sent.folder else None,
            look=look,
            why=f"verify={case.plan.verify:g}" if reference is None else "",
        )

    def _put(self, shown: int) -> None:
        """Put on the case what the task that decides has left, and then the others."""
        judged = self._case.judged
        self._case.sent.shown = shown
        judged.output = self._outputs[shown]
        if not self._after:
            judged.after = ()
            return
        others = [after for number, after in self._after.items() if number != shown]
        first = [self._after[shown]] if shown in self._after else []
        judged.after = (*first, *others)
