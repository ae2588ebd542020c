"""What hooks make of a case that pytest itself runs in both legs, after its body has returned."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ...equivalence import compare_late
from ...model.comparison import Comparison
from ...model.outcome import Failure
from ...model.printable import printable
from ...transport.failures import describe, is_skip
from ...worker.fixtures.ended import leaves
from .groups import Case


def late_failures(
    call: pytest.CallInfo[None], report: pytest.TestReport, raised: BaseException | None
) -> list[Failure]:
    """Return the failures of a call that its body has not `raised`, and what its report says else.

    A hook may skip or fail the case after its body, pytest fails it for an exception in a thread
    where filters make the warning an error, and some plugins change nothing but the report.
    """
    error = call.excinfo.value if call.excinfo is not None else None
    inner = [] if error is None or error is raised else leaves(error)
    late = [describe(leaf, leaf) for leaf in inner]
    usual = "passed" if error is None else "skipped" if is_skip(error) else "failed"
    is_xfail = hasattr(report, "wasxfail")
    if report.outcome != usual or is_xfail:
        late.append(Failure(type="report", text=f"{report.outcome}{' as xfail' * is_xfail}"))
    elif error is None and raised is not None:
        late.append(Failure(type="report", text="a hook has caught what the body raised"))
    return late


def judge_late(
    case: Case, late: Sequence[Failure], call: pytest.CallInfo[None], report: pytest.TestReport
) -> Comparison:
    """Compare what came after the body in the fork with the same here."""
    here = late_failures(call, report, case.judged.raised)
    case.judged.raised = None  # it keeps its frames alive
    return compare_late(late, here, case.plan.policy, seconds=case.plan.timeout)


def fail_as_in_fork(late: Sequence[Failure], report: pytest.TestReport) -> None:
    """Let a case that is not verified fail as it did in the fork, if it passed here."""
    if not late or not report.passed:
        return
    texts = [failure.traceback or f"{failure.type}: {failure.text}" for failure in late]
    report.outcome, report.longrepr = "failed", printable("\n".join(texts))
