"""Both outcomes of a case compared, and what its entry and its message say of that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ...equivalence import compare_outcomes
from ...machine.deadline import TimedOut, deadline
from ...model.comparison import Comparison, Note, OwnComparison
from ...model.outcome import Outcome, Verdict
from ...report.entries import CaseEntry, judged, result_of
from ...report.message import Scene, mismatch_message
from ...transport.sources import note_missing
from ...worker.inputs import Inputs, is_sampled, note_change
from ..compat import argument_names
from ..config.options import RECORDS, WIDTH
from ..config.settings import own_comparison
from .again import again, serially
from .groups import Case, label
from .phases import masked
from .values import Values

__all__ = ["Comparing", "entry_of", "inputs_of", "missing"]


class Comparing:
    """Compares the outcomes of cases; what runs code of their values has the time of the case."""

    def __init__(self, *, is_verbose: bool) -> None:
        self._is_verbose = is_verbose
        self._values = Values()
        self._told: dict[tuple[int, str, str], str] = {}
        self._own: dict[int, OwnComparison | None] = {}

    def compare(
        self, case: Case, parallel: Outcome, serial: Outcome, changed: Sequence[str] = ()
    ) -> None:
        """Put down what the comparison says of a case, with the inputs that the call changed."""
        parallel, serial = masked(case, parallel, serial)
        nothing = serial.value is None and parallel.value is None and serial.kind == "value"
        comparison = compare_outcomes(
            parallel,
            serial,
            case.plan.policy,
            values=not nothing,
            own=self._own_of(case),
            seconds=case.plan.timeout,
        )
        changes = note_change(changed, parallel=parallel.has_changed_input)
        for note in (changes, missing(case, parallel)):
            if note is not None:
                comparison = replace(comparison, notes=(*comparison.notes, note))
        verdict = Verdict.EQUAL if comparison else Verdict.DIFFERENT
        case.entry = entry_of(case, verdict, parallel, serial=serial, comparison=comparison)
        values = self._values_of(case, parallel, serial, comparison)
        if not comparison:
            traceback = parallel.failure.traceback if parallel.failure is not None else ""
            self.write_message(case, comparison, values, traceback=traceback)

    def add_tear_down(self, case: Case, comparison: Comparison, traceback: str) -> None:
        """Add tear-downs that differ to what is known of a case."""
        assert case.entry is not None
        case.entry = replace(
            case.entry,
            verdict=Verdict.DIFFERENT,
            mismatches=(*case.entry.mismatches, *comparison.mismatches),
            mismatch_count=case.entry.mismatch_count + comparison.count,
            classes=Counter(case.entry.classes) + Counter(comparison.classes),
        )
        self.write_message(case, comparison, (), traceback=traceback)

    def write_message(
        self,
        case: Case,
        comparison: Comparison,
        values: Sequence[tuple[str, Sequence[str]]],
        *,
        traceback: str,
    ) -> None:
        """Write what a case says that is different."""
        assert case.entry is not None
        scene = self._scene(case, comparison, values)
        case.message = mismatch_message(case.entry, comparison, scene, traceback=traceback)

    def _own_of(self, case: Case) -> OwnComparison | None:
        """Return what the project compares itself; pytest takes its time to look up the hooks."""
        plan = id(case.plan)  # of one test
        if plan not in self._own:
            self._own[plan] = own_comparison(case.item, case.plan.policy)
        return self._own[plan]

    def _values_of(
        self, case: Case, parallel: Outcome, serial: Outcome, comparison: Comparison
    ) -> Sequence[tuple[str, Sequence[str]]]:
        if not case.group.axes:
            return ()
        try:
            with deadline(case.plan.timeout):
                return self._values.add(case, parallel, serial, comparison)
        except TimedOut:
            return ()

    def _scene(
        self, case: Case, comparison: Comparison, values: Sequence[tuple[str, Sequence[str]]]
    ) -> Scene:
        """Return what there is around a case that is different."""
        assert case.sent is not None
        first = comparison.mismatches[0]
        told = case.item.name
        if case.item.get_closest_marker("xfail") is None:  # which may show nothing
            told = self._told.setdefault((id(case.group), first.kind, first.path), told)
        used, peak = case.sent.outcomes.overlap()
        return Scene(
            configuration=label(case),
            policy=comparison.policy,
            judged=[other.entry for other in case.group.cases if other.entry is not None],
            used=used,
            granted=case.sent.facts.granted,
            peak=peak,
            values=values,
            like=told if told != case.item.name else "",
            again=again(case),
            serially=serially(case),
            is_verbose=self._is_verbose,
            width=case.item.config.stash[WIDTH],
        )


def missing(case: Case, parallel: Outcome) -> Note | None:
    """Return what there is to say of modules that a case did not find where it ran."""
    return note_missing(parallel, case.sent.facts.sent) if case.sent is not None else None


def inputs_of(case: Case) -> Inputs | None:
    """Return what a case of the sample is given, None for the others."""
    assert case.sent is not None
    if not is_sampled(case.number, len(case.sent.outcomes)):
        return None
    names = argument_names(case.item)
    if case.stage is not None:  # what is made for the case alone may be changed
        names = [name for name in names if name in case.stage.given]
    values = {name: case.item.funcargs[name] for name in names}
    return Inputs((), values, seconds=case.plan.timeout)


def entry_of(
    case: Case,
    verdict: Verdict,
    parallel: Outcome | None = None,
    *,
    serial: Outcome | None = None,
    comparison: Comparison | None = None,
    why: str = "",
) -> CaseEntry:
    """Return the entry of a case with what is known of its outcomes."""
    outcome = serial or parallel
    is_kept = outcome is not None and outcome.lost is None and case.item.config.stash[RECORDS]
    return judged(
        case.id,
        verdict,
        index=case.index,
        batch=case.sent.facts.batch if case.sent is not None else "",
        parallel=parallel,
        serial=serial,
        comparison=comparison,
        why=why,
        result=result_of(outcome, seconds=case.plan.timeout) if outcome and is_kept else None,
    )
