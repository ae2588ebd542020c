"""The serial run of a case in its own call phase, and the verdict on both outcomes."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ...model.comparison import OwnComparison
from ...model.outcome import Outcome, Verdict
from ...model.printable import printable
from ...report.entries import SKIPPED, CaseEntry, with_mismatches
from ...report.serialising import serialise
from ...verify.legs import Judged, drop, entry_of
from ..cases.bodies import Body
from ..cases.groups import Case
from ..cases.late import judge_call
from ..cases.plain import PLAIN, dropping_value
from ..config.marks import has_mark
from ..config.registry import own_comparison
from ..messages.absent import (
    error_of,
    leave_rejected,
    leave_unusable,
    message_of,
    rejection,
    rejection_of_tear_down,
)
from ..messages.scenes import Scenes
from ..messages.verdicts import (
    end_as_in_parallel,
    fail,
    is_expected,
    note_verdict,
    show_worker_failure,
)
from ..sending.seeding import reseeded
from ..session.reporting import report_runs
from .gate import Gates
from .phases import compare_phases, masked, outcome_of_setup
from .reference import CaseReferences
from .repeats import CaseTasks

if TYPE_CHECKING:
    from ...verify.selftest import Controls

#: `CaseEntry.why` of a case whose body was not reached in this process.
NOT_REACHED = "set-up failed"
NOT_CALLED = "its body was not called"
WITHHELD = "a hook skipped it when it was to be sent"


class Serial:
    """Runs bodies serially, compares, and puts the verdict on the reports."""

    def __init__(
        self,
        gates: Gates,
        uses: Counter[object],
        *,
        xdist: bool,
        is_verbose: bool,
        is_random: bool,
        is_recorded: bool,
        controls: Controls | None = None,
    ) -> None:
        self._gates = gates
        self._references = CaseReferences(uses)
        self._xdist = xdist
        self._is_random = is_random  # pytest-randomly seeds before each body
        self._is_recorded = is_recorded  # a file of the report is asked for
        self._scenes = Scenes(is_verbose=is_verbose)
        self._own: dict[int, OwnComparison | None] = {}
        self._controls = controls

    def body_of(self, case: Case, body: Body) -> Callable[..., object]:
        """Return a body that runs the case serially and compares it with its parallel outcome.

        It returns the value only if a plugin takes it: otherwise it is deleted here, within the
        time limit of the case. Raises the error of a case without an outcome, whose fixtures were
        not set up here.
        """
        original = reseeded(case, body.function) if self._is_random else body.function
        if case.fixtures is not None and case.is_absent:
            self._judge(case, original)

        @functools.wraps(original)
        def compared(**kwargs: object) -> object:
            called = functools.partial(original, **kwargs)
            return self._judge(case, called, is_taken=body.is_taken)

        return compared

    def plain_body_of(self, case: Case, body: Body) -> Callable[..., object]:
        """Return a body that runs the case without a comparison."""
        return dropping_value(body, reseeded(case, body.function) if self._is_random else None)

    def finish(self, case: Case, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        """Put the verdict on the report of a phase; it has precedence over pytest's outcome."""
        judged = case.judged
        if call.when == "setup" and report.outcome != "passed" and judged.entry is None:
            self._judge_setup(case, SKIPPED if report.skipped else NOT_REACHED)
        elif call.when == "teardown":
            if not judged.after or not self._judge_teardown(case, call, report):
                return
        elif call.when != "call":
            return
        if judged.entry is None and PLAIN in case.item.stash:
            return
        found = judge_call(case, call, report) if call.when == "call" and judged.after else None
        if found is not None:
            judged.entry = with_mismatches(found.entry, found.comparison)
            self._scenes.write(case, found.comparison, traceback=found.traceback)
        if judged.entry is None and case.sent.run is not None:
            # A hook ended the call before the body was reached.
            why = SKIPPED if report.skipped else NOT_CALLED
            judged.entry = entry_of(case.terms(), Verdict.NOT_VERIFIED, why=why)
            self._gates.done_with(case)
        if judged.entry is None:
            return  # pytest ran it without parwork: --parwork-serial, --pdb, --setup-only
        self._report(case, judged.entry, report)
        causes = case.group.causes.get(case.test_id, ()) if case.group.causes else ()
        note_verdict(case.item, report, judged.entry.verdict, causes)
        if judged.message and not is_expected(case.item, call, report):
            fail(report, call, judged.message, is_like=judged.is_like)
        elif judged.traceback and call.when == "call":
            like = self._scenes.like(case, judged.traceback)
            show_worker_failure(case, call, report, like=like)

    def _report(self, case: Case, entry: CaseEntry, report: pytest.TestReport) -> None:
        """Send the case to the controller of xdist; without xdist, report its run once.

        There all cases of a run are added at the end, because thousands of pieces are slow.
        """
        if self._xdist:
            part = serialise(case.group.entry([entry], xdist=True))
            report.parwork = [part]  # type: ignore[attr-defined]  # sent with the report
        elif not case.group.is_reported:
            case.group.is_reported = True
            report_runs(case.item.config, [case.group.entry([])])

    def _judge(self, case: Case, body: Callable[[], object], *, is_taken: bool = False) -> object:
        """Run the body if it is to be verified, judge, and raise the error for the verdict.

        Returns the value if it `is_taken`: that of the serial run, or else of the parallel one; and
        if the case turns out to be plain.
        """
        if case.judged.entry is not None:
            value = self._rerun(case, body)
            return value if is_taken else None
        if case.sent.run is None and case.sent.is_withheld:
            # The answer of a hook has changed since it was asked a moment ago.
            case.judged.entry = entry_of(case.terms(), Verdict.NOT_VERIFIED, why=WITHHELD)
            value = body()
            return value if is_taken else None
        is_verified = case.group.verified is None or case.group.verifies(case)
        terms = case.terms(self._own_of(case), is_recorded=self._is_recorded)
        tasks = CaseTasks(case, terms, is_verified=is_verified)
        actual = tasks.load()  # before the body runs, so that at most two copies exist
        if actual.failure is not None:  # perhaps not that of the case
            if leave_unusable(case, actual):
                self._gates.done_with(case)
                value = body()
                return None if has_mark(case.item) else value
            if why := rejection(actual):
                self._reject(case, actual, why)
                raise case.judged.error
        del actual
        reference = functools.partial(self._references.of, case, body, is_taken=is_taken)
        found = tasks.judge(reference if is_verified else None)
        if self._controls is not None:
            self._controls.of(case.group.id).try_on(terms, found, functools.partial(masked, case))
        if case.group.kept is not None:
            case.group.kept.keep(case.id, found)
        self._settle(case, found)
        case.judged.raised = found.error
        if found.entry.verdict is not Verdict.EQUAL and found.is_absent:
            raise case.judged.error
        if not is_verified:
            end_as_in_parallel(case, found.outcomes[0])
        value = found.outcomes[-1].value if is_taken else None
        if not drop(found, terms):
            case.judged.entry = found.entry
            self._note_absence(case)
            raise case.judged.error from None
        if found.error is not None:
            raise found.error
        if case.judged.message:
            raise case.judged.error
        return value

    def _settle(self, case: Case, found: Judged) -> None:
        """Keep the judgement, and free the outcome in the run."""
        run, judged = case.sent.run, case.judged
        judged.entry = found.entry
        if judged.entry.verdict is not Verdict.EQUAL and found.is_absent:
            self._note_absence(case, has_others=len(found.outcomes) < 2)
        elif found.comparison is not None:
            self._scenes.note(case, found)
            if case.fixtures is not None and run is not None:
                run.outcomes.overlap()  # computed once for the run; the tear-down may show it
        self._gates.done_with(case)

    def _reject(self, case: Case, actual: Outcome, why: str) -> None:
        """Record why there is nothing to compare: a worker does not support a fixture."""
        case.judged.entry = entry_of(case.terms(), Verdict.NOT_SENT, actual)
        case.judged.reject(why, like=self._scenes.like(case, why))
        self._gates.done_with(case)

    def _judge_setup(self, case: Case, why: str) -> None:
        """Compare a set-up that failed here, if a function-scoped fixture raised."""
        error = case.judged.take_broken()
        terms = case.terms(self._own_of(case), is_recorded=self._is_recorded)
        if case.fixtures is None or error is None or case.sent.run is None:
            case.judged.entry = entry_of(terms, Verdict.NOT_VERIFIED, why=why)
            self._gates.done_with(case)
            return
        tasks, here = CaseTasks(case, terms), (outcome_of_setup(error), None)
        actual = tasks.load()
        if why_not := rejection(actual):
            if leave_rejected(case, why_not):
                self._gates.done_with(case)
            else:
                self._reject(case, actual, why_not)
            return
        del actual
        self._settle(case, tasks.judge(lambda: here))

    def _judge_teardown(
        self, case: Case, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> bool:
        """Compare the tear-downs; return False if they do not change the report."""
        judged = case.judged
        if judged.entry is None:
            return False
        for torn in judged.take_torn():
            comparison = compare_phases(case, torn, call)
            if not comparison:
                break
        if why := rejection_of_tear_down(torn):
            if leave_rejected(case, why):
                return False
            if judged.entry.verdict in {Verdict.EQUAL, Verdict.NOT_VERIFIED}:
                judged.reject(why)
                return True
            return False
        traceback = "\n".join(failure.traceback for failure in torn)
        if judged.entry.verdict is Verdict.NOT_VERIFIED:
            if torn and report.passed:
                report.outcome, report.longrepr = "failed", printable(traceback)
            return False
        if comparison or judged.entry.is_absent:
            return False
        judged.entry = with_mismatches(judged.entry, comparison)
        self._scenes.write(case, comparison, traceback=traceback)
        return True

    def _note_absence(self, case: Case, *, has_others: bool = False) -> None:
        """Note message and error of a case that has no outcome in one of the runs."""
        entry = case.judged.entry
        assert entry is not None
        case.judged.message = message_of(case, self._scenes, has_others=has_others)
        case.judged.raises = error_of(entry)

    def _own_of(self, case: Case) -> OwnComparison | None:
        """Return the project's own comparison, cached because looking up the hooks is slow."""
        plan = id(case.plan)  # one for all cases of a test
        if plan not in self._own:
            self._own[plan] = own_comparison(case.item, case.plan.policy)
        return self._own[plan]

    def _rerun(self, case: Case, body: Callable[[], object]) -> object:
        """Run an item once more, as for pytest-rerunfailures: the verdict does not change."""
        judged = case.judged
        assert judged.entry is not None
        if judged.entry.is_absent:
            raise judged.error
        value = body()
        if judged.message:
            raise judged.error
        return value
