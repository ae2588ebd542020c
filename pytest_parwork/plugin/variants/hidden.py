"""The items of references: run hidden where they are not selected, and never expected to fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ...model.errors import ParworkError
from ..running.phases import outcome_of_setup
from ..session.termination import ENDING
from .cases import HIDDEN, VariedCase


class HiddenRuns:
    """A plugin that runs the items of references without reports."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> object:
        """Run set-up, call and tear-down of a reference that is not selected."""
        siblings = item.stash.get(HIDDEN, None)
        if siblings is None:
            return None
        siblings.is_tried = True
        hook = item.ihook
        setup = _phase(lambda: hook.pytest_runtest_setup(item=item), "setup")
        if setup.excinfo is None:
            _phase(lambda: hook.pytest_runtest_call(item=item), "call")
        elif isinstance(setup.excinfo.value, pytest.skip.Exception):
            siblings.why = "the reference was skipped"
        else:
            siblings.called = outcome_of_setup(setup.excinfo.value), setup.excinfo.value
        _phase(lambda: hook.pytest_runtest_teardown(item=item, nextitem=nextitem), "teardown")
        if isinstance(item, pytest.Function):
            item.funcargs = {}  # its values may be large
        return True


def _phase(run: Callable[[], object], when: Any) -> pytest.CallInfo[object]:
    return pytest.CallInfo.from_call(run, when=when, reraise=ENDING)


def unexpect(case: VariedCase, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Let a reference pass that did, where xfail expects a verdict: only variants have one."""
    marks = list(case.item.iter_markers("xfail"))
    if call.when != "call" or call.excinfo is not None or not marks:
        return
    for mark in marks:
        raises = mark.kwargs.get("raises")
        kinds = raises if isinstance(raises, tuple) else (raises,)
        if not all(isinstance(kind, type) and issubclass(kind, ParworkError) for kind in kinds):
            return
    report.outcome = "passed"
    report.longrepr = None
    if hasattr(report, "wasxfail"):
        del report.wasxfail
