"""The serial run of a case in its own call phase, and the verdict on both outcomes."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NoReturn

import pytest

from ...machine.deadline import TimedOut, deadline
from ...machine.limits import Limits
from ...model.errors import FixtureError, LostError, MismatchError
from ...model.outcome import Lost, Outcome, Verdict
from ...model.printable import printable
from ...report.entries import SKIPPED, CaseEntry, with_loss
from ...report.message import lost_message
from ...report.serialising import serialise
from ...verify.reference import References, call, timed_out
from ..session.reporting import tell
from .again import serially
from .company import reseeded
from .comparing import Comparing, entry_of, inputs_of, missing
from .gate import Gates
from .groups import CASE, Case
from .phases import compare_phases, outcome_of_setup, refusal, refusal_behind
from .verdicts import fail, is_expected, note_verdict, tell_of_worker

__all__ = ["Serial"]

#: `CaseEntry.why` of a case whose fixtures a worker cannot have.
REFUSED = "refused"

#: `CaseEntry.why` of a case that never came to its body here.
NOT_REACHED = "set-up failed"


class Serial:
    """Run bodies serially, compare, and put the verdict on the reports."""

    def __init__(
        self,
        gates: Gates,
        uses: Counter[object],
        *,
        xdist: bool,
        is_verbose: bool,
        is_random: bool,
    ) -> None:
        self._gates = gates
        self._uses = uses
        self._references = References()
        self._xdist = xdist
        self._is_random = is_random  # pytest-randomly seeds before each body
        self._comparing = Comparing(is_verbose=is_verbose)
        self._limits: Limits | None = None

    def keep_limits(self, item: pytest.Item) -> None:
        """Give a case the limit of native threads that it had in its worker, and nobody else.

        It is kept between two cases of a run: to set it for each of them took a tenth of the time
        of a trivial one.
        """
        case = item.stash.get(CASE, None)
        limits = case.sent.limits if case is not None and case.sent is not None else None
        if self._limits is not None and self._limits is not limits:
            self._limits.release()
        self._limits = limits
        if limits is not None:
            limits.take()

    def release_limits(self) -> None:
        """Go on without a limit: there are no more cases."""
        if self._limits is not None:
            self._limits.release()
            self._limits = None

    def body_of(self, case: Case) -> Callable[..., None]:
        """Return what runs the case serially, compared with its parallel outcome, as its body."""
        original = self._seeded(case)
        if case.stage is not None and case.is_lost:  # its fixtures were not made
            self._judge(case, original)

        @functools.wraps(original)
        def compared(**kwargs: object) -> None:
            self._judge(case, functools.partial(original, **kwargs))

        return compared

    def plain_body_of(self, case: Case) -> Callable[..., None]:
        """Return what runs the case as it is, and drops what it returns, as its body."""
        original = self._seeded(case)

        @functools.wraps(original)
        def plain(**kwargs: object) -> None:
            original(**kwargs)

        return plain

    def _seeded(self, case: Case) -> Callable[..., object]:
        return reseeded(case, case.item.obj) if self._is_random else case.item.obj

    def finish(self, case: Case, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        """Put the verdict on the report of a phase; nothing else may outvote it."""
        if call.when == "setup" and not report.passed and case.entry is None:
            self._judge_setup(case, SKIPPED if report.skipped else NOT_REACHED)
        elif call.when == "teardown":
            if not self._judge_teardown(case, call, report):
                return
        elif call.when != "call":
            return
        if case.entry is None:
            return  # pytest ran it without us: --parwork-serial, --pdb, --setup-only
        self._tell(case, case.entry, report)
        note_verdict(case.item, report, case.entry.verdict)
        if case.message and not is_expected(case.item, call, report):
            fail(report, call, case.message)
        elif case.traceback and call.when == "call":
            tell_of_worker(case, call, report)

    def _tell(self, case: Case, entry: CaseEntry, report: pytest.TestReport) -> None:
        """Tell xdist's controller of the case; in the process that shows results, of its run.

        There all cases of a run are handed in at the end: thousands of pieces take their time.
        """
        if self._xdist:
            part = serialise(case.group.entry([entry], xdist=True))
            report.parwork = [part]  # type: ignore[attr-defined]  # sent with the report
        elif not case.group.is_told:
            case.group.is_told = True
            tell(case.item.config, [case.group.entry([])])

    def _judge(self, case: Case, body: Callable[[], object]) -> None:
        """Run the body, or not, and raise what the verdict asks for."""
        if case.entry is not None:
            self._again(case, body)
            return
        if case.sent is None:
            detail = case.trouble or "its fixtures could not be set up for the parallel run"
            parallel = Outcome(kind="lost", lost=Lost(reason="backend", detail=detail))
        else:
            parallel = case.outcome()  # before the serial run, so that only two copies ever live
        if parallel.lost is not None:
            self._lose(case, parallel)
        if case.stage is not None:
            case.torn = parallel.torn
        if why := refusal(case, parallel):
            self._refuse(case, parallel, why)
            raise FixtureError(why)
        if not case.group.verifies(case):
            self._pass_on(case, parallel)
            held = [parallel]
            del parallel
            self._drop(case, held)
            return
        inputs = inputs_of(case)
        serial, error = self._reference(case, body)
        changed = inputs.changed() if inputs is not None else []
        del inputs
        if isinstance(error, KeyboardInterrupt | pytest.exit.Exception):
            raise error
        if serial.lost is not None:
            self._lose(case, parallel, serial)
        if case.setup_seconds and serial.started is not None:
            # The parallel run has made its fixtures too.
            serial = replace(serial, started=serial.started - case.setup_seconds)
        self._compare(case, parallel, serial, changed)
        held = [parallel, serial]
        del parallel, serial
        self._drop(case, held)
        if error is not None:
            raise error
        if case.message:
            raise MismatchError(case.message)

    def _pass_on(self, case: Case, parallel: Outcome) -> None:
        """Let a case that is not verified end as it did in parallel."""
        why = f"verify={case.plan.verify:g}"
        case.entry = entry_of(case, Verdict.NOT_VERIFIED, parallel, why=why)
        self._gates.done_with(case)
        if parallel.failure is not None:
            note = missing(case, parallel)
            advice = f"\n{note.text}" if note is not None else ""
            case.traceback = f"{parallel.failure.traceback}{advice}"
            if parallel.kind == "skip":
                pytest.skip(printable(parallel.failure.text))  # which cannot be pickled
        parallel.result()

    def _compare(
        self, case: Case, parallel: Outcome, serial: Outcome, changed: Sequence[str] = ()
    ) -> None:
        self._comparing.compare(case, parallel, serial, changed)
        if case.stage is not None and case.sent is not None:
            case.sent.outcomes.overlap()  # once for the run; the tear-down may want to tell
        self._gates.done_with(case)

    def _drop(self, case: Case, held: list[Outcome]) -> None:
        """Let go of outcomes that nobody else has: a `__del__` without an end fails its case."""
        try:
            with deadline(case.plan.timeout):
                held.clear()
        except TimedOut as error:
            assert case.entry is not None
            detail = f"deleting its results took longer than {case.plan.timeout:g} s"
            case.entry = with_loss(case.entry, timed_out(detail, error))
            case.message = lost_message(case.entry, serially(case))
            raise LostError(case.message) from None

    def _refuse(self, case: Case, parallel: Outcome, why: str) -> None:
        """Put down why there is nothing to compare: a worker cannot have the fixtures."""
        case.entry = entry_of(case, Verdict.NOT_VERIFIED, parallel, why=REFUSED)
        case.message = why
        self._gates.done_with(case)

    def _judge_setup(self, case: Case, why: str) -> None:
        """Compare a set-up that failed here, where it was that of a fixture of function scope."""
        error, case.broken = case.broken, None
        if case.stage is None or error is None or case.sent is None:
            case.entry = entry_of(case, Verdict.NOT_VERIFIED, why=why)
            self._gates.done_with(case)
            return
        parallel = case.outcome()
        if parallel.lost is not None:
            self._note_loss(case, parallel)
            return
        if refused := refusal(case, parallel):
            self._refuse(case, parallel, refused)
            return
        case.torn = parallel.torn
        self._compare(case, parallel, outcome_of_setup(error))

    def _judge_teardown(
        self, case: Case, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> bool:
        """Compare the tear-downs; False if there is nothing to say beyond what was said."""
        if case.torn is None or case.entry is None:
            return False
        comparison, torn, case.torn = compare_phases(case, call), case.torn, None
        if why := refusal_behind(torn):
            if case.entry.verdict in {Verdict.EQUAL, Verdict.NOT_VERIFIED}:
                case.entry = replace(case.entry, verdict=Verdict.NOT_VERIFIED, why=REFUSED)
                case.message = why
                return True
            return False
        traceback = "\n".join(failure.traceback for failure in torn)
        if case.entry.verdict is Verdict.NOT_VERIFIED:
            if torn and report.passed:
                report.outcome, report.longrepr = "failed", printable(traceback)
            return False
        if comparison or case.entry.verdict is Verdict.LOST:
            return False
        self._comparing.add_tear_down(case, comparison, traceback)
        return True

    def _lose(self, case: Case, parallel: Outcome, serial: Outcome | None = None) -> NoReturn:
        """Fail a case that has no outcome in one of the runs."""
        self._note_loss(case, parallel, serial)
        raise LostError(case.message)

    def _note_loss(self, case: Case, parallel: Outcome, serial: Outcome | None = None) -> None:
        case.entry = entry_of(case, Verdict.LOST, parallel, serial=serial)
        others = case.sent.others() if case.sent is not None and serial is None else None
        case.message = lost_message(case.entry, serially(case), others=others)
        self._gates.done_with(case)

    def _reference(
        self, case: Case, body: Callable[[], object]
    ) -> tuple[Outcome, BaseException | None]:
        """Run the body, or take what an earlier configuration got from the same values."""
        assert case.sent is not None
        # With a stage, each configuration tears down what its own body has used.
        if not self._uses or case.stage is not None:
            return call(body, timeout=case.plan.timeout)
        key, made_of = case.key, tuple(case.sent.wide.values())
        found = self._references.get(key, made_of)
        if found is None:
            found = call(body, timeout=case.plan.timeout)
        self._uses[key] -= 1
        if self._uses[key] > 0:
            self._references.keep(key, *found, made_of)
        else:
            del self._uses[key]
            self._references.let_go(key)
        return found

    def _again(self, case: Case, body: Callable[[], object]) -> None:
        """Run an item once more, as pytest-rerunfailures does: the verdict stands."""
        assert case.entry is not None
        if case.entry.verdict is Verdict.LOST:
            raise LostError(case.message)
        if case.entry.why == REFUSED:
            raise FixtureError(case.message)
        body()
        if case.message:
            raise MismatchError(case.message)
