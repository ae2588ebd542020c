"""The judgement of both legs of a task: their outcomes compared, and recorded as an entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field, replace
from typing import TypeAlias

from ..equivalence import compare_late, compare_outcomes
from ..equivalence.outcomes import report_uncomparable
from ..machine.deadline import TimedOut, deadline
from ..model.comparison import Comparison, Note, OwnComparison, Policy, Side
from ..model.dataclass import dataclass
from ..model.errors import UsageError
from ..model.outcome import Outcome, Verdict
from ..report.entries import CaseEntry, Result, judged, result_of, with_loss
from ..transport.sources import note_missing
from ..worker.inputs import Inputs
from .reference import Called, timed_out

#: The reference of a test that runs on a backend.
SERIAL = Side(name="serial", run="the serial run")


def in_parallel(name: str) -> Side:
    """Return the side of the run on workers, named after its configuration: `joblib-2`."""
    return Side(name=name, run="the parallel run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The task to judge, and the settings for it.

    `index` is its place in the workload, `run` the run that its entry belongs to. `actual` and
    `reference` name the two legs. `timeout` limits, in seconds, the comparison, the digests of the
    arguments and the deletion of the results, all together if it is shared. `own` is the project's
    own comparison. `sent` are the files that were sent to the workers, for a note on missing ones.
    With `must_return`, two legs that returned None are compared by outcome: no value was returned.
    With `is_recorded`, the entry keeps a digest and a short text of the result, for comparisons
    with other sessions. Without `is_late_compared`, failures that the call did not raise are not
    compared here.
    """

    id: str
    index: int
    run: str
    actual: Side
    reference: Side
    policy: Policy
    timeout: float | None
    own: OwnComparison | None = None
    sent: tuple[str, ...] = ()
    must_return: bool = False
    is_recorded: bool = False
    is_late_compared: bool = True


#: Looks again at a reference that may depend on the parallel run: the actual outcome, the expected
#: one, their comparison; returns the comparison that counts.
Look: TypeAlias = Callable[[Outcome, Outcome, Comparison], Comparison]


@dataclass(slots=True, kw_only=True)
class Judged:
    """The judgement of a task.

    `outcomes` are the actual one and the reference, if there is one. They may be large, and can be
    dropped. `error` is the exception that the reference raised, with its traceback, or that of a
    policy that gave no answer. `comparison` is None where nothing was compared.
    """

    entry: CaseEntry
    outcomes: list[Outcome] = field(repr=False)
    comparison: Comparison | None = None
    error: BaseException | None = None

    @property
    def is_absent(self) -> bool:
        """Whether one of the legs has no outcome."""
        return self.entry.is_absent


def judge(
    terms: Terms,
    actual: Outcome,
    reference: Callable[[], Called] | None,
    *,
    inputs: Callable[[], Inputs | None] | None = None,
    masked: Callable[[Outcome, Outcome], tuple[Outcome, Outcome]] | None = None,
    look: Look | None = None,
    why: str = "",
) -> Judged:
    """Run the reference and compare, unless the task is lost, not sent, or not verified.

    `actual` comes from a parallel run or from a call in this process; without a `reference` it is
    NOT_VERIFIED, for the reason `why`. `inputs` records the arguments before the reference runs,
    where changes to them are to be detected. `masked` removes from both outcomes what differs
    between any two runs and does not depend on the code. `look` examines a doubtful reference.
    """
    if actual.lost is not None or actual.not_sent is not None:
        note = note_missing(actual, terms.sent)
        entry = entry_of(terms, _absence(actual), actual)
        if note is not None:
            entry = replace(entry, notes=(note,))
        return Judged(entry=entry, outcomes=[actual])
    if reference is None:
        result = _result(terms, actual) if terms.is_recorded else None
        entry = entry_of(terms, Verdict.NOT_VERIFIED, actual, why=why, result=result)
        return Judged(entry=entry, outcomes=[actual])
    before = inputs() if inputs is not None else None
    expected, error = reference()
    if expected.lost is not None:
        entry = entry_of(terms, Verdict.LOST, actual, expected)
        return Judged(entry=entry, outcomes=[actual, expected])
    changed = before.changed() if before is not None else []
    if masked is not None:
        actual, expected = masked(actual, expected)
    try:
        comparison = _compared(terms, actual, expected, changed)
        if look is not None:
            comparison = look(actual, expected, comparison)
    except UsageError as unanswered:
        error = unanswered
        comparison = report_uncomparable(actual, expected, terms.policy, str(error))
    verdict = Verdict.DIFFERENT if comparison.count else Verdict.EQUAL
    result = _result(terms, expected) if terms.is_recorded else None
    return Judged(
        entry=entry_of(terms, verdict, actual, expected, comparison=comparison, result=result),
        outcomes=[actual, expected],
        comparison=comparison,
        error=error,
    )


def unjudged(terms: Terms, actual: Outcome, *, why: str) -> CaseEntry:
    """Return the entry of a task that is no longer to be compared."""
    return entry_of(terms, _absence(actual), actual, why=why)


def _absence(actual: Outcome) -> Verdict:
    """Return the verdict on an outcome that is compared with nothing."""
    if actual.lost is not None:
        return Verdict.LOST
    return Verdict.NOT_VERIFIED if actual.not_sent is None else Verdict.NOT_SENT


def drop(found: Judged, terms: Terms) -> bool:
    """Delete both outcomes, unless they are used elsewhere; return False where that timed out.

    A `__del__` that never returns would block the session. The task then becomes LOST.
    """
    if terms.timeout is None:
        found.outcomes.clear()
        return True
    try:
        with deadline(terms.timeout):
            found.outcomes.clear()
    except TimedOut as error:
        detail = f"deleting its results took longer than {terms.timeout:g} s"
        found.entry = with_loss(found.entry, timed_out(detail, error))
        return False
    return True


def entry_of(
    terms: Terms,
    verdict: Verdict,
    actual: Outcome | None = None,
    reference: Outcome | None = None,
    *,
    comparison: Comparison | None = None,
    why: str = "",
    result: Result | None = None,
) -> CaseEntry:
    """Return the entry of a task for the report."""
    return judged(
        terms.id,
        verdict,
        index=terms.index,
        run=terms.run,
        parallel=actual,
        serial=reference,
        comparison=comparison,
        why=why,
        result=result,
    )


def _result(terms: Terms, outcome: Outcome) -> Result:
    """Return the recorded form of the result of a task."""
    return result_of(outcome, seconds=terms.timeout)


def _compared(
    terms: Terms, actual: Outcome, expected: Outcome, changed: Sequence[str]
) -> Comparison:
    nothing = expected.kind == "value" and expected.value is None and actual.value is None
    comparison = compare_outcomes(
        actual,
        expected,
        terms.policy,
        values=not (terms.must_return and nothing),
        own=terms.own,
        seconds=terms.timeout,
    )
    if (actual.late or expected.late) and comparison and terms.is_late_compared:
        late = compare_late(actual.late, expected.late, terms.policy, seconds=terms.timeout)
        comparison = replace(late, notes=comparison.notes) if not late else comparison
    notes: list[Note] = []
    if changed or actual.has_changed_input:
        notes.append(_change(terms, changed, actual))
    if terms.sent and (missing := note_missing(actual, terms.sent)) is not None:
        notes.append(missing)
    return replace(comparison, notes=(*comparison.notes, *notes)) if notes else comparison


def _change(terms: Terms, changed: Sequence[str], actual: Outcome) -> Note:
    """Return the note on arguments that the legs changed."""
    names = f"the argument {', '.join(map(repr, changed))}" if changed else "an argument"
    if changed and actual.has_changed_input:
        where = "both runs"
    else:
        where = terms.reference.run if changed else terms.actual.run
    return Note(path="", kind="input-changed", text=f"the call changed {names} in {where}")
