"""The diagnosis of the first case of a workload that differs, for all its cases."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.causes import Cause
from ...verify.legs import Judged
from ..cases.groups import Case, ParallelRun
from ..session.diagnosing import MOST_CASES, causes_of, ran_before

#: Seconds of the earlier cases that are run again, the latest ones.
MOST_SECONDS = 2.0


def diagnosed(case: Case, found: Judged) -> tuple[Cause, ...]:
    """Return the causes of the differences of a test, found by its first case that differs."""
    known = case.group.causes
    if case.test_id not in known:
        known[case.test_id] = _diagnose(case, found)
    return known[case.test_id]


def _diagnose(case: Case, found: Judged) -> tuple[Cause, ...]:
    run, comparison = case.sent.run, found.comparison
    rerun = run.outcomes.rerun if run is not None else None
    if run is None or rerun is None or not case.plan.diagnose or comparison is None:
        return ()
    if case.item.get_closest_marker("xfail") is not None:
        return ()  # it is known to differ
    if all(mismatch.kind == "uncomparable" for mismatch in comparison.mismatches):
        return ()
    from ...verify.diagnosis.difference import Difference  # most sessions have no difference

    actual, expected = found.outcomes
    terms = case.terms()
    number = case.sent.shown
    is_threaded = run.facts.start_method == "thread"
    before = ran_before(run.outcomes, number, is_threaded=is_threaded)
    others = [other for other in run.cases if other is not case]
    entries = [other.judged.entry for other in others]
    serial = sum(entry.serial or 0.0 for entry in entries if entry is not None)
    return causes_of(
        case.item.config,
        rerun,
        Difference(
            number=number,
            id=case.id,
            actual=actual,
            expected=expected,
            policy=terms.policy,
            own=terms.own,
            timeout=case.plan.timeout,
            start_method=run.facts.start_method,
            earlier=_latest(run, _serially_before(others)),
            earlier_in_worker=_latest(run, before.in_worker),
            earlier_in_thread=_latest(run, before.in_thread),
            earlier_in_threads=_latest(run, before.in_threads),
            seconds=serial + (expected.seconds or 0.0) + run.facts.startup + run.facts.wall,
        ),
        names=[sender.id for sender in run.senders],
        function=case.item.function,
        workers=run.facts.granted,
    )


def _serially_before(others: Sequence[Case]) -> Sequence[int]:
    """Return the numbers of the cases that have run serially, in the order of their runs."""
    ran = [
        (entry.serial_interval[0], other.sent.number)
        for other in others
        if (entry := other.judged.entry) is not None and entry.serial_interval is not None
    ]
    return [number for _, number in sorted(ran)]


def _latest(run: ParallelRun, numbers: Sequence[int]) -> tuple[int, ...]:
    """Return the latest of these tasks that take little time together, in their order."""
    chosen: list[int] = []
    left = MOST_SECONDS
    for number in reversed(numbers[-MOST_CASES:]):
        entry = run.senders[number].judged.entry
        left -= (entry.serial or entry.parallel or 0.0) if entry is not None else 0.0
        if left < 0 and chosen:
            break
        chosen.insert(0, number)
    return tuple(chosen)
