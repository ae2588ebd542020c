"""The negative control of the gate: faults planted in its results, which must be seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

from ..equivalence import compare_outcomes, exact
from ..machine.deadline import TimedOut, deadline
from ..model.dataclass import dataclass
from ..model.outcome import Lost, Outcome, Verdict
from ..report.selftest import LOST_UPDATE, MISSING, STALE, SWAP, ULP, Plant, Result
from .legs import Judged, Terms, judge
from .planting import IN_RESULTS, NOWHERE

#: Removes from both outcomes what differs between any two runs.
Mask: TypeAlias = Callable[[Outcome, Outcome], tuple[Outcome, Outcome]]

#: The outcome of a case that is missing.
_MISSING = Outcome(kind="lost", lost=Lost(reason="crash", detail="planted by --parwork-selftest"))

#: Why faults in the results of a test that returns nothing pass.
OUTCOMES_ONLY = "this test compares outcomes only: a wrong value would pass"


@dataclass(frozen=True, slots=True)
class _Equal:
    """A case that was equal: its terms, and both outcomes."""

    terms: Terms
    actual: Outcome
    expected: Outcome
    masked: Mask | None

    def sees(self, actual: Outcome) -> bool:
        """Return whether another outcome in place of the actual one is seen to be wrong."""
        terms = replace(self.terms, is_recorded=False)
        found = judge(terms, actual, lambda: (self.expected, None), masked=self.masked)
        return found.entry.verdict in (Verdict.DIFFERENT, Verdict.LOST)

    def differs(self, other: _Equal) -> bool:
        """Return whether the results of two cases differ at all."""
        seconds = self.terms.timeout
        return not compare_outcomes(self.actual, other.actual, exact(), seconds=seconds)


class NegativeControl:
    """Plants faults in the outcomes of cases that are equal, and judges them as it judges those.

    Nothing but copies in memory is changed. The previous case is kept for faults between cases.
    """

    def __init__(self) -> None:
        self._previous: _Equal | None = None

    def try_on(self, terms: Terms, found: Judged, masked: Mask | None = None) -> None:
        """Put on the entry of an equal case what was planted in it, and whether it was seen."""
        if found.entry.verdict is not Verdict.EQUAL or len(found.outcomes) != 2:
            return
        actual, expected = found.outcomes
        # What is planted is no part of the case, and has a limit of its own.
        seconds = float(terms.timeout) if terms.timeout is not None else None
        terms = replace(terms, timeout=seconds)
        equal = _Equal(terms, actual, expected, masked)
        try:
            with deadline(terms.timeout):
                planted = tuple(self._plants(equal))
        except (
            Exception,
            TimedOut,
        ) as error:  # of values that cannot be copied
            why = f"the results cannot be changed: {type(error).__name__}"
            planted = (Plant(name=MISSING, result=_result(equal, _MISSING)), _none(ULP, why))
        found.entry = replace(found.entry, planted=planted)

    def _plants(self, equal: _Equal) -> Iterator[Plant]:
        yield Plant(name=MISSING, result=_result(equal, _MISSING))
        if equal.actual.kind != "value":
            yield from (_none(n, "no result") for n in (LOST_UPDATE, ULP, SWAP, STALE))
            return
        if equal.terms.must_return and equal.actual.value is None:
            for name in (LOST_UPDATE, ULP, SWAP, STALE):
                yield Plant(name=name, result="passes", why=OUTCOMES_ONLY)
            return
        previous, self._previous = self._previous, equal
        for name, change in IN_RESULTS.items():
            value = change(equal.actual.value)
            if value is NOWHERE:
                yield _none(
                    name,
                    "no float in the results"
                    if name == ULP
                    else "nothing in the results can change",
                )
            else:
                yield _judged(name, equal, [(equal, replace(equal.actual, value=value))])
        if previous is None or not equal.differs(previous):
            why = "there is no other result" if previous is None else "all results are the same"
            yield from (_none(name, why) for name in (SWAP, STALE))
            return
        swapped = [(equal, previous.actual), (previous, equal.actual)]
        yield _judged(SWAP, equal, swapped)
        yield _judged(STALE, equal, swapped[:1])


class Controls:
    """The negative control of each workload, one after the other: only the latest is kept."""

    def __init__(self) -> None:
        self._latest: tuple[str, NegativeControl] | None = None

    def of(self, workload: str) -> NegativeControl:
        """Return that of a workload, by its id."""
        if self._latest is None or self._latest[0] != workload:
            self._latest = workload, NegativeControl()
        return self._latest[1]


def _judged(name: str, equal: _Equal, planted: list[tuple[_Equal, Outcome]]) -> Plant:
    """Judge planted outcomes, of which one must be seen; say what lets them pass if none is."""
    if any(case.sees(actual) for case, actual in planted):
        return Plant(name=name, result="seen")
    policy = equal.terms.policy
    if equal.terms.own is not None:
        return Plant(name=name, result="passes", why="pytest_parwork_compare lets it pass")
    if str(policy) != str(exact()):
        return Plant(name=name, result="passes", why=f"{policy} lets it pass")
    return Plant(name=name, result="missed", why="exact() does not see it")


def _result(equal: _Equal, actual: Outcome) -> Result:
    return "seen" if equal.sees(actual) else "missed"


def _none(name: str, why: str) -> Plant:
    return Plant(name=name, result="none", why=why)
