"""A run of calls, compared with the serial run item by item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import pytest

from ...equivalence import at_step, compare_outcomes, merge
from ...machine.deadline import TimedOut, deadline
from ...machine.limits import Limits
from ...model.comparison import Comparison, OwnComparison
from ...model.errors import LostError, MismatchError
from ...model.outcome import Lost, Outcome, Run, Verdict
from ...model.output import Output
from ...model.work import Plan, Task, Workload
from ...report.data import RunEntry, summarise
from ...report.entries import INTERRUPTED, CaseEntry, RunFacts, judged, result_of, with_loss
from ...report.message import Scene, mismatch_message
from ...runner.outcomes import Outcomes
from ...transport.sources import note_missing
from ...verify.reference import call, sample, timed_out
from ...worker.inputs import Inputs, is_sampled, note_change
from ..session.breadcrumb import Breadcrumb
from ..session.capturing import echo, noted, warn_again

__all__ = ["Verified"]


class Verified:
    """A run of calls and the serial run beside it, item by item."""

    def __init__(
        self,
        workload: Workload,
        plan: Plan,
        run: Run,
        *,
        scene: Scene,
        breadcrumb: Breadcrumb,
        records: bool = False,
        own: OwnComparison | None = None,
    ) -> None:
        self._workload = workload
        self._plan = plan
        self._own = own
        self._records = records  # for a report file
        self._breadcrumb = breadcrumb
        self._scene = scene
        self._run = run
        self._batch = f"{workload.name}:{id(run):x}"
        self._outcomes: list[Outcome] = []
        self._entries: list[CaseEntry] = []
        self._comparisons: list[Comparison] = []
        self._serial_seconds = 0.0
        self._error: BaseException | None = None
        self._lost: str = ""
        self._message: str = ""

    def verify(self) -> None:
        """Compare each outcome; the serial value is let go at once.

        What workers have printed and logged is printed and logged here before, in the order of the
        calls; of their warnings, those that the serial run does not give come after it.
        """
        outputs = list(self._outputs())
        for output in outputs:
            echo(output)
        with noted() as known:
            self._verify_all()
        for warned in dict.fromkeys(warned for output in outputs for warned in output.warned):
            if warned[:4] not in known:
                warn_again(warned, seconds=self._plan.timeout)

    def _outputs(self) -> Iterator[Output]:
        assert isinstance(self._run.outcomes, Outcomes)
        for index in range(len(self._workload.tasks)):
            output = self._run.outcomes.output(index)
            if output is not None:
                yield output

    def _verify_all(self) -> None:
        chosen = sample([task.id for task in self._workload.tasks], self._plan.verify)
        limits = Limits(self._run.threads)
        for index, task in enumerate(self._workload.tasks):
            parallel = self._load(index)
            self._outcomes.append(parallel)
            if parallel.lost is not None:
                self._lose(index, parallel.lost, parallel)
            elif task.id not in chosen:
                if parallel.kind != "value" and self._error is None:
                    self._error = _raised(parallel)
                why = f"verify={self._plan.verify:g}"
                self._add(index, Verdict.NOT_VERIFIED, parallel, why=why)
            else:
                held = [self._verify_one(index, task, parallel, limits)]
                try:
                    with deadline(task.timeout):
                        held.clear()
                except TimedOut as error:
                    detail = f"deleting its serial result took longer than {task.timeout:g} s"
                    self._note_lost(index, lost := timed_out(detail, error))
                    self._entries[-1] = with_loss(self._entries[-1], lost)

    def _verify_one(self, index: int, task: Task, parallel: Outcome, limits: Limits) -> Outcome:
        """Run a call serially and compare; return the serial outcome."""
        inputs = None
        if is_sampled(index, len(self._workload.tasks)):
            inputs = Inputs(task.args, {}, seconds=task.timeout)
        with limits.hold():
            serial, error = call(partial(task.function, *task.args), timeout=task.timeout)
        changed = inputs.changed() if inputs is not None else []
        if isinstance(error, KeyboardInterrupt | pytest.exit.Exception):
            raise error
        if serial.lost is not None:
            self._lose(index, serial.lost, parallel, serial)
            return serial
        self._compare(index, parallel, serial, changed)
        if self._error is None:
            self._error = error
        return serial

    def _load(self, index: int) -> Outcome:
        outcomes, task = self._run.outcomes, self._workload.tasks[index]
        assert isinstance(outcomes, Outcomes)
        may_end_us = outcomes.may_run_code(index)
        with self._breadcrumb.loading(task.id) if may_end_us else nullcontext():
            return outcomes.load(index, task.timeout)

    def leave(self) -> None:
        """Take note of what is not compared: the session was interrupted."""
        for index in range(len(self._entries), len(self._workload.tasks)):
            outcome = self._load(index)
            verdict = Verdict.NOT_VERIFIED if outcome.lost is None else Verdict.LOST
            self._add(index, verdict, outcome, why=INTERRUPTED)

    def _lose(
        self, index: int, lost: Lost, parallel: Outcome, serial: Outcome | None = None
    ) -> None:
        self._note_lost(index, lost)
        self._add(index, Verdict.LOST, parallel, serial)

    def _note_lost(self, index: int, lost: Lost) -> None:
        self._lost = self._lost or f"LOST: {self._workload.tasks[index].id}: {lost.detail}"

    def _compare(
        self, index: int, parallel: Outcome, serial: Outcome, changed: Sequence[str]
    ) -> None:
        comparison = compare_outcomes(
            parallel, serial, self._plan.policy, own=self._own, seconds=self._plan.timeout
        )
        changes = note_change(changed, parallel=parallel.has_changed_input)
        for note in (changes, note_missing(parallel, self._run.sent)):
            if note is not None:
                comparison = replace(comparison, notes=(*comparison.notes, note))
        self._serial_seconds += serial.seconds or 0.0
        verdict = Verdict.EQUAL if comparison else Verdict.DIFFERENT
        self._add(index, verdict, parallel, serial, comparison)
        self._comparisons.append(at_step(comparison, f"[{index}]"))

    def _add(
        self,
        index: int,
        verdict: Verdict,
        parallel: Outcome,
        serial: Outcome | None = None,
        comparison: Comparison | None = None,
        why: str = "",
    ) -> None:
        outcome = serial or parallel
        is_kept = self._records and outcome.lost is None and why != INTERRUPTED
        entry = judged(
            self._workload.tasks[index].id,
            verdict,
            index=index,
            batch=self._batch,
            parallel=parallel,
            serial=serial,
            comparison=comparison,
            why=why,
            result=result_of(outcome, seconds=self._plan.timeout) if is_kept else None,
        )
        self._entries.append(entry)

    def entry(self, *, xdist: bool) -> RunEntry:
        """Return what the report says of the run."""
        run, configuration = self._run, self._plan.configuration
        facts = RunFacts.of(run, self._batch)
        return RunEntry(
            id=self._workload.name,
            configuration_id=configuration.id,
            backend=configuration.backend,
            asked=configuration.workers,
            chunksize=configuration.chunksize,
            policy=str(self._plan.policy),
            facts=(facts,),
            cases=tuple(self._entries),
            expected=len(self._workload.tasks),
            xdist=xdist,
        )

    def result(self) -> Run:
        """Return the run, or raise the worst that came of it."""
        __tracebackhide__ = True
        if self._lost:
            raise LostError(self._lost)
        if not all(self._comparisons):
            raise MismatchError(self._told())
        if self._error is not None:
            raise self._error
        comparison = merge(self._comparisons, str(self._plan.policy))
        checked = self._plan.verify > 0
        return replace(
            self._run,
            outcomes=tuple(self._outcomes),
            comparison=comparison if checked else None,
            reference_wall=self._serial_seconds if self._plan.verify == 1 else None,
        )

    def _told(self) -> str:
        """Tell all differences of the calls as one failure, paths led by the number of the call."""
        found = merge(self._comparisons, str(self._plan.policy))
        entry = summarise(self.entry(xdist=False))
        scene = replace(
            self._scene,
            configuration=f"{self._plan.configuration.backend}-{self._run.granted}",
            policy=str(self._plan.policy),
            judged=self._entries,
            noun="calls",
            used=entry.workers_used,
            granted=self._run.granted,
            peak=entry.peak_overlap,
        )
        case = CaseEntry(id=self._workload.name, verdict=Verdict.DIFFERENT)
        return mismatch_message(case, found, scene)


def _raised(outcome: Outcome) -> BaseException:
    __tracebackhide__ = True
    try:
        outcome.result()
    except BaseException as error:
        return error
    raise AssertionError("a failure without an exception")
