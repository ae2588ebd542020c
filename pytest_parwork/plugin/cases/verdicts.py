"""How a verdict is put on the report of a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ...model.errors import FixtureError, LostError, MismatchError, ParworkError
from ...model.outcome import Verdict
from ...model.printable import printable
from .groups import Case

SECTION = "parwork"

#: The property that says the verdict, one object for all cases that have it.
PROPERTIES: Mapping[Verdict, tuple[str, object]] = {
    verdict: ("parwork_verdict", verdict.value) for verdict in Verdict
}


def note_verdict(item: pytest.Item, report: pytest.TestReport, verdict: Verdict) -> None:
    """Put the verdict among the properties of a test, for JUnit, in place of an earlier one."""
    chosen = PROPERTIES[verdict]
    for owner in (item, report):
        known = owner.user_properties
        if not known:
            owner.user_properties = [chosen]  # `append` would take room for three more
        elif chosen not in known:
            known[:] = [*(pair for pair in known if pair[0] != chosen[0]), chosen]


def is_expected(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> bool:
    """Return whether an xfail that holds names our error; any other must not hide a verdict."""
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


def tell_of_worker(case: Case, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Say where an outcome arose that was not verified: in its worker, not in our code."""
    if report.failed and call.excinfo is not None:
        report.longrepr = _printable(call.excinfo)
        report.sections.append((f"{SECTION}: in its worker", printable(case.judged.traceback)))
    elif isinstance(report.longrepr, tuple):
        path, line, _ = case.item.reportinfo()
        report.longrepr = (str(path), (line or 0) + 1, report.longrepr[2])


def fail(report: pytest.TestReport, call: pytest.CallInfo[None], message: str) -> None:
    """Make a failure of the report, with the message."""
    message = printable(message)
    report.outcome = "failed"
    if hasattr(report, "wasxfail"):
        del report.wasxfail
    error = call.excinfo
    if error is not None and isinstance(error.value, MismatchError | LostError | FixtureError):
        report.longrepr = _told(error, message)
    elif error is None or isinstance(report.longrepr, tuple):
        # The serial run went well, or was skipped: there is no traceback.
        try:
            raise MismatchError(message)
        except MismatchError as raised:
            report.longrepr = _told(pytest.ExceptionInfo.from_exception(raised), message)
    else:
        # The serial run failed too, otherwise: its traceback stays.
        report.sections.append((SECTION, message))


def _printable(error: pytest.ExceptionInfo[BaseException]) -> Any:
    """Return what pytest shows of an exception without its traceback, made printable."""
    told = error.getrepr(style="value")
    for frames, crash, _ in getattr(told, "chain", [(told.reprtraceback, told.reprcrash, "")]):
        if crash is not None:
            crash.message = printable(crash.message)
        for entry in frames.reprentries:
            entry.lines = list(map(printable, entry.lines))
    return told


def _told(error: pytest.ExceptionInfo[BaseException], message: str) -> Any:
    """Return what pytest shows of one of our errors, its first line in the short summary."""
    told = error.getrepr(style="value")
    if told.reprcrash is not None:
        told.reprcrash.message = message.partition("\n")[0]
    return told
