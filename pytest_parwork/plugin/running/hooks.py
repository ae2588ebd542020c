"""The hooks of a session with cases or calls: gates before cases, verdicts after them.

Imports inside a function are of what not every such session uses.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import Any, Literal
from warnings import WarningMessage

import pytest

from ...machine.limits import Limits
from ...model.errors import BackendError, LostError, MismatchError, PayloadError
from ..cases.bodies import Dropping, returning_nothing
from ..cases.groups import CASE, NO_CASE, Case
from ..cases.matrix import FIXTURE
from ..cases.plain import PLAIN, dropping_value, is_unsent, note_plain
from ..cases.testcases import called
from ..collecting.checks import Check
from ..collecting.collection import Collected
from ..collecting.placing import inform
from ..config.marks import has_mark
from ..config.options import RECORDS, is_fanned_out
from ..config.registry import guard
from ..messages.absent import leave_unsent
from ..messages.frames import drop_frames
from ..messages.showing import Showing
from ..sending.lanes import resources_of
from ..sending.seeding import given_seed
from ..sending.wide import wide_names
from ..session.diagnosing import controls_of
from ..session.locks import holding
from ..session.reporting import CALLS, add_table, defer_interrupts, report_runs
from ..session.termination import Termination
from .gate import Gate, Gates
from .phases import SettingUp
from .serial import Serial

#: The errors of calls, whose texts begin with the verdict.
_VERDICTS = (BackendError, LostError, MismatchError, PayloadError)


class _Kept:
    """The state of the process in cases, and only in cases, that stays between two of them.

    That is the mark of processes that a case starts, and the limit of native threads of its worker.
    Setting these for each case took a fifth of the time of a trivial one.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._limits: Limits | None = None
        self._marking: AbstractContextManager[None] | None = None

    def mark(self) -> None:
        """Mark the processes that are started from now on."""
        if self._marking is None:
            self._marking = guard(self._config).marking()
            self._marking.__enter__()

    def limit(self, case: Case | None) -> None:
        """Apply the limit of the run of the case, if it has one by now."""
        limits = case.sent.run.limits if case is not None and case.sent.run is not None else None
        if self._limits is not None and self._limits is not limits:
            self._limits.release()
        self._limits = limits
        if limits is not None:
            limits.take()

    def release(self) -> None:
        """Restore all, for an item that is no case, and after the last one."""
        self.limit(None)
        if self._marking is not None:
            self._marking.__exit__(None, None, None)
            self._marking = None


class Running:
    """A plugin, registered once it is known that the session has work for it."""

    def __init__(self, session: pytest.Session, collected: Collected) -> None:
        config = self._config = session.config
        self._collected = collected
        self._xdist = hasattr(config, "workerinput")
        self.gates = Gates(session, collected.uses)
        self._serial = Serial(
            self.gates,
            collected.uses,
            xdist=self._xdist,
            is_verbose=config.getoption("verbose", 0) > 0,
            is_random=config.getoption("randomly_reset_seed", default=False),
            is_recorded=config.stash[RECORDS],
            controls=controls_of(config),
        )
        if any(case.fixtures for group in collected.groups.values() for case in group.cases):
            config.pluginmanager.register(SettingUp(), "parwork-setting-up")
        config.pluginmanager.register(Dropping(), "parwork-dropping")
        self._kept = _Kept(config)
        self._showing = Showing()
        self._is_traced = config.getoption("trace", default=False)
        self._is_off = not is_fanned_out(config)
        self._termination = Termination()  # last: an invalid option would leave its handler

    def begin_varied(self, manager: pytest.PytestPluginManager) -> None:
        """Register the plugins for tests that vary something, if there are any."""
        if self._collected.varied.groups:
            from ..variants.hidden import HiddenRuns
            from ..variants.running import Varying

            manager.register(Varying(self._config, is_off=self._is_off), "parwork-varying")
            manager.register(HiddenRuns(), "parwork-hidden-runs")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Open the gate before the first case that needs it."""
        if type(item) is Gate:  # `isinstance` is slow for classes of pytest
            self._kept.limit(None)  # but the mark of its first case
            return (yield)
        case = item.stash.get(CASE, None)
        if case is None:
            self._kept.release()
            if type(item) is Check:
                inform(item, self._collected, xdist=self._xdist)
                self._let_perturb(item)
            with holding(item.config, resources_of(item)):
                return (yield)
        self._kept.mark()
        if case.sent.run is None:
            self._kept.limit(None)  # that of the last case is not for hooks that are asked now
        if not self._is_off:
            self.gates.open_for(case)
            self._kept.limit(case)
        self._showing.begin(item)
        try:
            if not case.plan.exclusive:
                return (yield)
            with holding(item.config, case.plan.exclusive):
                return (yield)
        finally:
            if case.judged.output is not None:
                self._showing.add_warnings(case)  # now it is known which warnings pytest shows

    def _let_perturb(self, check: Check) -> None:
        """Give the item that perturbs a workload what it needs, if its cases ran in parallel."""
        if check.kind == "stress":
            from ..stress.choosing import perturbing

            check.perturb = perturbing(check, self._collected)

    def pytest_warning_recorded(
        self,
        warning_message: WarningMessage,
        when: Literal["config", "collect", "runtest"],
        nodeid: str,
    ) -> None:
        """Record the warnings of the serial run of a case."""
        if when == "runtest":
            self._showing.note(warning_message, nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Fail items that cannot be cases; skip the fixtures of cases without an outcome."""
        case = item.stash.get(CASE, None)
        if case is None:
            if NO_CASE in item.stash:
                pytest.fail(item.stash[NO_CASE], pytrace=False)
            return
        if not case.is_absent:
            return
        if leave_unsent(case):
            self.gates.done_with(case)
        elif case.fixtures is not None:
            case.item.fixturenames = wide_names(case.item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Run the body of a case serially, and compare it with its parallel outcome.

        A function that does so replaces the body, so that other plugins' `pytest_pyfunc_call` still
        work. A marked test that makes calls must return nothing itself.
        """
        case = item.stash.get(CASE, None)
        # With --trace a debugger calls the body, and drops its value.
        if self._is_traced:
            return (yield)
        function: Callable[..., object]
        if case is not None:
            body = called(case.item)
            case.judged.subtests = body.subtests or case.judged.subtests
            replaced = self._serial.plain_body_of if self._is_off else self._serial.body_of
            function = replaced(case, body)
        elif isinstance(item, pytest.Function) and _is_given_another_body(item):
            body = called(item)
            is_calling = FIXTURE in item.fixturenames
            function = returning_nothing(item) if is_calling else dropping_value(body)
        else:
            return (yield)
        seeded = given_seed(item)
        if seeded is None:
            with body.replaced(function):
                return (yield)
        with seeded, body.replaced(function):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the verdict on the report, after pytest has applied xfail."""
        case = item.stash.get(CASE, None)
        if case is not None:
            judged = case.judged
            if judged.subtests is not None and judged.subtests.is_reporting:
                return (yield)  # it is that of a subtest
            if call.excinfo is not None:
                drop_frames(call)
        report = yield
        if call.excinfo is not None:
            add_table(call, report)
        if case is not None:
            if call.when == "setup":
                report.duration += judged.wide_seconds
                judged.wide_seconds = 0.0  # a rerun does not repeat their set-up
            if call.when != "setup" or report.outcome != "passed":
                self._serial.finish(case, call, report)
            if judged.output is not None:
                self._showing.add_sections(case, report)
            if judged.entry is not None:
                return report  # so it is not plain
        elif call.when == "call" and CALLS in item.stash:
            calls: list[dict[str, Any]] = item.stash[CALLS]
            report.parwork = calls  # type: ignore[attr-defined]  # is sent with the report
            _put_verdict_first(call, report)
        if PLAIN in item.stash and not self._is_off:  # else every test is
            note_plain(item, report)
        return report

    @pytest.hookimpl(tryfirst=True)  # before the report is finished
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Report all runs, also those of an interrupted session, and free their outcomes."""
        self._termination.close()  # nobody would catch the interrupt any more
        defer_interrupts(session.config)
        # Ctrl-C once more, while pytest describes where the first one came, leaves its exit status.
        is_interrupted = isinstance(sys.exc_info()[1], KeyboardInterrupt)
        if is_interrupted or exitstatus == pytest.ExitCode.INTERRUPTED:
            self.gates.restore()
        if not self._xdist:
            report_runs(session.config, self._collected.entries())
        self._kept.release()
        self.gates.close()
        for group in self._collected.groups.values():
            if group.kept is not None:
                group.kept.close()

    def pytest_unconfigure(self) -> None:
        """Restore the handler of SIGTERM."""
        self._termination.close()


def _is_given_another_body(item: pytest.Function) -> bool:
    """Return whether a marked test that is no case must return nothing, or drops its value."""
    return (FIXTURE in item.fixturenames or is_unsent(item)) and has_mark(item)


def _put_verdict_first(call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Make the short summary begin with the verdict instead of our exception's name."""
    crash = getattr(report.longrepr, "reprcrash", None)
    error = call.excinfo.value if call.excinfo is not None else None
    if crash is not None and isinstance(error, _VERDICTS):
        crash.message = str(error).partition("\n")[0]
