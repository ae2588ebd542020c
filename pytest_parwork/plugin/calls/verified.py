"""A run of calls, compared with the serial run call by call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial

from ...equivalence import at_step, merge
from ...machine.deadline import Shared, TimedOut, deadline
from ...machine.limits import Limits
from ...model.causes import Cause
from ...model.comparison import Comparison, OwnComparison
from ...model.errors import LostError, MismatchError
from ...model.outcome import NotSent, Outcome, Run, Verdict
from ...model.output import Output
from ...model.work import Plan, Task, Workload
from ...report.data import RunEntry, summarise
from ...report.entries import INTERRUPTED, CaseEntry, RunFacts, judged
from ...report.message import Scene, mismatch_message
from ...runner.outcomes import Outcomes
from ...verify.diagnosis.difference import Difference
from ...verify.legs import SERIAL, Judged, Terms, drop, in_parallel, judge, unjudged
from ...verify.reference import Called, call, sample
from ...verify.second_look import SecondLook
from ...worker.inputs import Inputs, is_sampled
from ..session.breadcrumb import Breadcrumb
from ..session.capturing import echo, warn_again, warnings_shown
from ..session.diagnosing import MOST_CASES, ran_before
from ..session.termination import ENDING


class Verified:
    """Compares a run of calls with its reference, call by call."""

    def __init__(
        self,
        workload: Workload,
        plan: Plan,
        run: Run,
        *,
        scene: Scene,
        breadcrumb: Breadcrumb,
        own: OwnComparison | None = None,
        is_recorded: bool = False,
        look: SecondLook | None = None,
        diagnose: Callable[[Difference], tuple[Cause, ...]] | None = None,
        watchers: Sequence[Callable[[Terms, Judged], None]] = (),
    ) -> None:
        self._workload = workload
        self._plan = plan
        self._own = own
        self._look = look
        self._diagnose = diagnose
        self._watchers = watchers
        self._causes: tuple[Cause, ...] = ()
        self._is_recorded = is_recorded
        self._breadcrumb = breadcrumb
        self._scene = scene
        self._run = run
        assert isinstance(run.outcomes, Outcomes)
        self._stored = run.outcomes
        self._actual = in_parallel(f"{plan.configuration.backend}-{run.granted}")
        self._run_key = f"{workload.name}:{id(run):x}"
        self._outcomes: list[Outcome] = []
        self._entries: list[CaseEntry] = []
        self._comparisons: list[Comparison] = []
        self._reference_seconds = 0.0
        self._error: BaseException | None = None
        self._not_sent: NotSent | None = None

    def verify(self) -> None:
        """Compare each outcome; the value of the reference is dropped at once.

        The output and log records of the workers are repeated here first, in the order of the
        calls. Their warnings are repeated afterwards, except those that the serial run gives too.
        """
        outputs = list(self._outputs())
        for output in outputs:
            echo(output)
        with warnings_shown() as known:
            try:
                self._verify_all()
            except BaseException:
                self.leave()
                raise
        limit = Shared.of(self._plan.timeout)
        for warned in dict.fromkeys(warned for output in outputs for warned in output.warned):
            if warned[:4] not in known:
                warn_again(warned, seconds=limit)

    def _outputs(self) -> Iterator[Output]:
        for index in range(len(self._workload.tasks)):
            output = self._stored.output(index)
            if output is not None:
                yield output

    def _verify_all(self) -> None:
        tasks = self._workload.tasks
        chosen = sample([task.id for task in tasks], self._plan.verify)
        if 0 < self._plan.verify < 1:
            chosen |= {tasks[number].id for number in self._stored.first_and_last()}
        limits = Limits(self._run.threads)
        for index, task in enumerate(tasks):
            terms = self.terms(index)
            actual = self._load(index, terms)
            self._outcomes.append(actual)
            found = judge(
                terms,
                actual,
                partial(self._call, task, limits) if task.id in chosen else None,
                inputs=partial(self._inputs, index, terms),
                look=self._look.of(terms, index) if self._look is not None else None,
                why=f"verify={self._plan.verify:g}",
            )
            for watch in self._watchers:
                watch(terms, found)
            self._note(index, found)
            drop(found, terms)
            self._entries.append(found.entry)

    def _note(self, index: int, found: Judged) -> None:
        """Keep the first exception, and the comparison: they decide on the result of the run."""
        not_sent = found.outcomes[0].not_sent
        if self._not_sent is None and not_sent is not None:
            detail = f"{found.entry.id}: {not_sent.detail}"
            self._not_sent = replace(not_sent, detail=detail)
        if self._error is None:
            self._error = found.error
            if found.entry.verdict is Verdict.NOT_VERIFIED:
                self._error = _raised(found.outcomes[0])
        if found.comparison is not None:
            self._reference_seconds += found.entry.serial or 0.0
            self._comparisons.append(at_step(found.comparison, f"[{index}]"))
            if not found.comparison and self._diagnose is not None:
                self._causes = self._diagnose(self._difference(index, found))
                self._diagnose = None  # once for all calls

    def _difference(self, index: int, found: Judged) -> Difference:
        """Return the first difference, with the calls before it."""
        actual, expected = found.outcomes
        is_threaded = self._run.start_method == "thread"
        before = ran_before(self._stored, index, is_threaded=is_threaded)
        return Difference(
            number=index,
            id=found.entry.id,
            actual=actual,
            expected=expected,
            policy=self._plan.policy,
            own=self._own,
            timeout=self._plan.timeout,
            start_method=self._run.start_method,
            earlier=tuple(range(index))[-MOST_CASES:],
            earlier_in_worker=before.in_worker[-MOST_CASES:],
            earlier_in_thread=before.in_thread[-MOST_CASES:],
            earlier_in_threads=before.in_threads[-MOST_CASES:],
            seconds=self._reference_seconds + self._run.startup + self._run.wall,
        )

    def _call(self, task: Task, limits: Limits) -> Called:
        """Make the serial call, which is the reference."""
        with limits.hold():
            return call(
                partial(task.function, *task.args),
                run=SERIAL.run,
                timeout=task.timeout,
                passing=ENDING,
            )

    def _inputs(self, index: int, terms: Terms) -> Inputs | None:
        if not is_sampled(index, len(self._workload.tasks)):
            return None
        return Inputs(self._workload.tasks[index].args, {}, seconds=terms.timeout)

    def _load(self, index: int, terms: Terms) -> Outcome:
        outcomes = self._stored
        may_exit = outcomes.may_run_code(index)
        with self._breadcrumb.loading(terms.id) if may_exit else nullcontext():
            return outcomes.load(index, terms.timeout)

    def leave(self) -> None:
        """Record the calls that are not compared, because the session or the test was ended."""
        outcomes = self._stored
        for index in range(len(self._entries), len(self._workload.tasks)):
            outcome = outcomes.without_value(index)
            self._entries.append(unjudged(self.terms(index), outcome, why=INTERRUPTED))

    def terms(self, index: int) -> Terms:
        """Return the terms by which a call is judged."""
        return Terms(
            id=self._workload.tasks[index].id,
            index=index,
            run=self._run_key,
            actual=self._actual,
            reference=SERIAL,
            policy=self._plan.policy,
            timeout=Shared.of(self._plan.timeout),
            own=self._own,
            sent=self._run.sent,
            is_recorded=self._is_recorded,
            # On threads, pytest itself gets what a call does not raise.
            is_late_compared=self._run.start_method != "thread",
        )

    def entry(self, *, xdist: bool) -> RunEntry:
        """Return the entry of the run in the report."""
        facts = (RunFacts.of(self._run, self._run_key),)
        found = _entry(self._workload, self._plan, self._entries, facts, xdist=xdist)
        return replace(found, causes=self._causes)

    def result(self) -> Run:
        """Return the run, or raise the error for its worst outcome."""
        __tracebackhide__ = True
        if (error := self._failure()) is not None:
            # Under their limit: the caller, who has none, does not get them.
            with suppress(TimedOut), deadline(self._plan.timeout):
                self._outcomes.clear()
                self._comparisons.clear()
            raise error
        comparison = merge(self._comparisons, str(self._plan.policy))
        return replace(
            self._run,
            outcomes=tuple(self._outcomes),
            comparison=comparison if self._plan.verify > 0 else None,
            reference_wall=self._reference_seconds if self._plan.verify == 1 else None,
        )

    def _failure(self) -> BaseException | None:
        lost = next((entry for entry in self._entries if entry.lost is not None), None)
        if lost is not None and lost.lost is not None:
            return LostError(f"LOST: {lost.id}: {lost.lost['detail']}")
        if not all(self._comparisons):
            return MismatchError(self._message())
        return self._error if self._not_sent is None else self._not_sent.error

    def _message(self) -> str:
        """Return one message for all differences; each path begins with the number of the call."""
        found = merge(self._comparisons, str(self._plan.policy))
        entry = summarise(self.entry(xdist=False))
        scene = replace(
            self._scene,
            actual=self._actual.name,
            policy=str(self._plan.policy),
            judged=self._entries,
            noun="calls",
            used=entry.workers_used,
            granted=self._run.granted,
            peak=entry.peak_overlap,
            causes=self._causes,
        )
        case = CaseEntry(id=self._workload.name, verdict=Verdict.DIFFERENT)
        return mismatch_message(case, found, scene)


def entry_without_run(workload: Workload, plan: Plan, why: NotSent, *, xdist: bool) -> RunEntry:
    """Return the entry of calls that were not sent, because their backend cannot start."""
    absent = Outcome(kind="not_sent", not_sent=why)
    entries = [
        judged(task.id, Verdict.NOT_SENT, index=index, parallel=absent)
        for index, task in enumerate(workload.tasks)
    ]
    return _entry(workload, plan, entries, (), xdist=xdist)


def _entry(
    workload: Workload,
    plan: Plan,
    cases: Sequence[CaseEntry],
    facts: tuple[RunFacts, ...],
    *,
    xdist: bool,
) -> RunEntry:
    configuration = plan.configuration
    return RunEntry(
        id=workload.name,
        configuration_id=configuration.id,
        backend=configuration.backend,
        asked=configuration.workers,
        chunksize=configuration.chunksize,
        policy=str(plan.policy),
        facts=facts,
        cases=tuple(cases),
        expected=len(workload.tasks),
        xdist=xdist,
        is_baseline=configuration.is_baseline,
    )


def _raised(outcome: Outcome) -> BaseException | None:
    """Return the exception of a call that was not verified, None if it returned a value."""
    __tracebackhide__ = True
    try:
        outcome.result()
    except BaseException as error:
        return error
    if outcome.late:
        return AssertionError(f"in the parallel run, {outcome.late[0].traceback}")
    return None
