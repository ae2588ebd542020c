"""What hooks make of a case that pytest itself runs in both legs, after its body has returned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pytest

from ...equivalence import compare_late, compare_subtests
from ...model.comparison import Comparison
from ...model.outcome import Failure, Subtest, Verdict
from ...model.printable import printable
from ...report.entries import CaseEntry
from ...transport.failures import describe, is_skip
from ...worker.fixtures.ended import leaves
from .company import retrying_plugins
from .groups import Case
from .judgement import Aftermath


def late_failures(
    call: pytest.CallInfo[None],
    report: pytest.TestReport,
    raised: BaseException | None,
    *,
    is_retried: bool = False,
) -> list[Failure]:
    """Return the failures of a call that its body has not `raised`, and what its report says else.

    A hook may skip or fail the case after its body, pytest fails it for an exception in a thread
    where filters make the warning an error, and some plugins change nothing but the report. That
    of a case which `is_retried` says how the last call ended.
    """
    error = call.excinfo.value if call.excinfo is not None else None
    inner = [] if error is None or error is raised else leaves(error)
    late = [describe(leaf, leaf) for leaf in inner]
    usual = "passed" if error is None else "skipped" if is_skip(error) else "failed"
    if is_retried and error is not None:
        return late
    is_xfail = hasattr(report, "wasxfail")
    if report.outcome != usual or is_xfail:
        late.append(Failure(type="report", text=f"{report.outcome}{' as xfail' * is_xfail}"))
    elif error is None and raised is not None:
        late.append(Failure(type="report", text="a hook has caught what the body raised"))
    return late


class FoundLate(NamedTuple):
    """A difference of two calls beside their bodies."""

    entry: CaseEntry
    comparison: Comparison
    traceback: str


def judge_call(
    case: Case, call: pytest.CallInfo[None], report: pytest.TestReport
) -> FoundLate | None:
    """Compare the subtests, and what came after the body in a fork, with the same here.

    None if there is no difference, or nothing to compare.
    """
    judged = case.judged
    tasks, entry = judged.take_after_call(), judged.entry
    if entry is None or judged.message:
        return None
    if entry.verdict is Verdict.NOT_VERIFIED:
        _fail_as_in_fork(next((task.late for task in tasks if task.late), ()), report)
        return None
    here = judged.subtests.seen if judged.subtests is not None else None
    late = None
    if any(task.late is not None for task in tasks):
        is_retried = bool(retrying_plugins(case.item.config))
        late = late_failures(call, report, judged.raised, is_retried=is_retried)
        judged.raised = None  # it keeps its frames alive
    judged.subtests = None
    for task in tasks:
        comparison, failures = _compare(case, task, here, late)
        if not comparison:
            text = "\n".join(failure.traceback for failure in failures)
            return FoundLate(entry, comparison, text)
    return None


def _compare(
    case: Case, task: Aftermath, here: Sequence[Subtest] | None, late: Sequence[Failure] | None
) -> tuple[Comparison, Sequence[Failure]]:
    """Compare what a task has left with the subtests and late failures here."""
    plan, parts = case.plan, task.parts
    comparison = Comparison(policy=str(plan.policy))
    if here is not None:
        if case.item.session.shouldfail:  # by a subtest, after which the worker has gone on
            parts = parts[: len(here)]
        comparison = compare_subtests(parts, here, plan.policy, seconds=case.limit)
    if late is not None and task.late is not None and comparison:
        return compare_late(task.late, late, plan.policy, seconds=case.limit), task.late
    return comparison, [part.failure for part in parts if part.failure is not None]


def _fail_as_in_fork(late: Sequence[Failure], report: pytest.TestReport) -> None:
    """Let a case that is not verified fail as it did in the fork, if it passed here."""
    if not late or not report.passed:
        return
    texts = [failure.traceback or f"{failure.type}: {failure.text}" for failure in late]
    report.outcome, report.longrepr = "failed", printable("\n".join(texts))
