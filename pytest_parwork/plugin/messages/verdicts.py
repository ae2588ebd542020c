"""The verdict on the report of a test: property, outcome and message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ...model.causes import Cause
from ...model.errors import MismatchError, ParworkError
from ...model.outcome import Outcome, Verdict
from ...model.printable import printable
from ...report.as_junit import CAUSE, VERDICT
from ...transport.sources import note_missing
from ..cases.groups import Case
from ..cases.subtests import report_subtests

SECTION = "parwork"

#: The property with the verdict, one object for all cases with that verdict.
PROPERTIES: Mapping[Verdict, tuple[str, object]] = {
    verdict: (VERDICT, verdict.value) for verdict in Verdict
}


def note_verdict(
    item: pytest.Item, report: pytest.TestReport, verdict: Verdict, causes: Sequence[Cause] = ()
) -> None:
    """Set the verdict in the properties of a test, for JUnit, replacing an earlier one.

    The first of the causes of a difference is a property, too.
    """
    chosen = [PROPERTIES[verdict]]
    if causes and verdict is Verdict.DIFFERENT:
        chosen.append((CAUSE, str(causes[0])))
    for owner in (item, report):
        known = owner.user_properties
        if not known:
            owner.user_properties = chosen[:]  # `append` would allocate room for three more
        elif not all(pair in known for pair in chosen):
            names = [name for name, _ in chosen]
            known[:] = [*(pair for pair in known if pair[0] not in names), *chosen]


def end_as_in_parallel(case: Case, actual: Outcome) -> None:
    """Raise the failure or skip of a case that is not verified, as in parallel."""
    report_subtests(case, actual.subtests)
    if actual.failure is not None:
        run = case.sent.run
        note = note_missing(actual, run.facts.sent) if run is not None else None
        advice = f"\n{note.text}" if note is not None else ""
        case.judged.traceback = f"{actual.failure.traceback}{advice}"
        if actual.kind == "skip":
            pytest.skip(printable(actual.failure.text))  # skips are not picklable
    if actual.late and actual.failure is None and case.terms().is_late_compared:
        first = actual.late[0]
        case.judged.traceback = "\n".join(failure.traceback for failure in actual.late)
        pytest.fail(printable(f"{first.type}: {first.text}"), pytrace=False)
    actual.result()


def is_expected(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> bool:
    """Return whether an active xfail names our error; any other must not hide a verdict."""
    if not hasattr(report, "wasxfail") or call.excinfo is None:
        return False
    if not isinstance(call.excinfo.value, ParworkError):
        return False
    for mark in item.iter_markers("xfail"):
        raises = mark.kwargs.get("raises")
        for kind in raises if isinstance(raises, tuple) else (raises,):
            if isinstance(kind, type) and issubclass(kind, ParworkError):
                return True
    return False


def show_worker_failure(
    case: Case, call: pytest.CallInfo[None], report: pytest.TestReport, *, like: str
) -> None:
    """Show an outcome that was not verified as one of the worker, not of our code.

    `like` is another case that has shown the same traceback, empty if none has.
    """
    if report.failed and call.excinfo is not None:
        report.longrepr = _printable(call.excinfo)
        traceback = f"as in {like}" if like else printable(case.judged.traceback)
        report.sections.append((f"{SECTION}: in its worker", traceback))
    elif isinstance(report.longrepr, tuple):
        path, line, _ = case.item.reportinfo()
        report.longrepr = (str(path), (line or 0) + 1, report.longrepr[2])


def fail(
    report: pytest.TestReport, call: pytest.CallInfo[None], message: str, *, is_like: bool = False
) -> None:
    """Turn the report into a failure with the message.

    With `is_like`, another case has shown the traceback that the serial run has left here.
    """
    message = printable(message)
    report.outcome = "failed"
    if hasattr(report, "wasxfail"):
        del report.wasxfail
    error = call.excinfo
    if error is not None and isinstance(error.value, ParworkError):
        report.longrepr = _shown(error, message)
    elif error is None or isinstance(report.longrepr, tuple) or is_like:
        # The serial run passed, or was skipped: there is no traceback; or it was shown before.
        try:
            raise MismatchError(message)
        except MismatchError as raised:
            report.longrepr = _shown(pytest.ExceptionInfo.from_exception(raised), message)
    else:
        # The serial run failed too, with another error: its traceback stays.
        report.sections.append((SECTION, message))
        crash = getattr(report.longrepr, "reprcrash", None)
        if crash is not None:  # which is all that the short summary shows
            crash.message = message.partition("\n")[0]


def _printable(error: pytest.ExceptionInfo[BaseException]) -> Any:
    """Return pytest's representation of an exception without traceback, made printable."""
    shown = error.getrepr(style="value")
    for frames, crash, _ in getattr(shown, "chain", [(shown.reprtraceback, shown.reprcrash, "")]):
        if crash is not None:
            crash.message = printable(crash.message)
        for entry in frames.reprentries:
            entry.lines = list(map(printable, entry.lines))
    return shown


def _shown(error: pytest.ExceptionInfo[BaseException], message: str) -> Any:
    """Return pytest's representation of our error, with its first line in the short summary."""
    shown = error.getrepr(style="value")
    if shown.reprcrash is not None:
        shown.reprcrash.message = message.partition("\n")[0]
    return shown
