"""The data of a report: runs, joined from their parts, and the figures derived from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, fields, replace
from typing import Literal

from ..model.causes import Cause
from ..model.dataclass import dataclass
from ..model.outcome import Verdict
from ..model.printable import make_printable
from ..model.public import public
from ..model.work import Budget, Scope, WorkersAsked
from .entries import CaseEntry, RunFacts
from .overlap import has_met, peak_of, share_of, tasks_of, together
from .plain import PlainEntry
from .power import Power, power_of
from .selftest import Control, controls
from .stress import Stress
from .timing import Timing, timing
from .variants import Variation, is_exercised, timing_of, workers_of

#: The version of the JSON report that these data fill.
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEntry:
    """One workload in one configuration, with all its cases or a part of them.

    `id` is the node id without parameters (calls: with `::map[0]`), or of what holds a workload of
    wider `scope`: of the class or the module, `.` for the session. `expected` is how many cases
    the workload has when complete, None if unknown. `xdist` says that xdist's processes shared the
    cases among them, so that their times measure no speed-up. `causes` are those of its
    differences, as far as a diagnosis has found any, the likeliest first. `too_slow` is the verdict
    of `min_speedup` if that failed, else empty. `varied` are parameters of the cases that look like
    a number of workers of the code under test. `variation` is what is varied in code that is
    parallel itself, None for a run on a backend. `stress` are its perturbed runs, if there are any.
    `is_baseline` says that it has one worker, and others of its matrix have more: nothing in it can
    overlap, and nobody expects it to.
    """

    id: str
    configuration_id: str
    backend: str
    asked: WorkersAsked
    policy: str
    chunksize: WorkersAsked = "auto"
    facts: tuple[RunFacts, ...] = ()
    cases: tuple[CaseEntry, ...] = ()
    expected: int | None = None
    xdist: bool = False
    causes: tuple[Cause, ...] = ()
    too_slow: str = ""
    varied: tuple[str, ...] = ()
    variation: Variation | None = None
    scope: Scope = "function"
    stress: Stress | None = None
    is_baseline: bool = False

    def __post_init__(self) -> None:
        make_printable(self, "id", "configuration_id", "backend", "policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport(RunEntry):
    """A run with the figures derived from its cases and facts; made by `summarise`, never changed.

    - `label`: the configuration with the workers it got, `joblib-2` for `joblib-auto`;
    - `granted`: how many workers there were, the most if the runs differ; `budget` says where that
      number comes from, None where no run does;
    - `start_method`: how they were started, empty if none was; `threads` is the limit of native
      threads in each, None for no limit;
    - `sent`, `withheld`: the files of the project that were sent to workers without access to
      them, and those that were needed there and not sent;
    - `compared`: `outcomes` if a single case returned nothing, so that a forgotten `return` can't
      hide, or if none returned at all;
    - `mismatch_count`, `mismatch_classes`: all mismatches, also those beyond the kept ones, and how
      many there are of each class, the most frequent first;
    - `shares`: how many tasks each worker ran, for each of the runs; a case is one of them, or
      several if it is repeated;
    - `workers_used`, `peak_overlap`: the number of workers that ran a task, and of tasks that were
      in workers at the same time; the highest of any of the runs;
    - `together`: the share of the busy time in which two tasks or more were running, None if there
      was no busy time;
    - `exercised`: whether tasks overlapped in at least two workers, None where that can't be
      judged;
    - `verdict`: the worst of the cases' verdicts and NOT_EXERCISED;
    - `is_slower`: the run took longer than the serial one, as far as two decimals show;
    - `power`: what clean results rule out, None if all cases were compared once, or not all are
      equal; `selftest` is what became of the faults that were planted;
    - `origin`: when the first case arrived in its worker, on the clock of the machine, None if none
      did.
    """

    label: str
    granted: int
    budget: Budget | None
    start_method: str
    threads: int | None
    sent: tuple[str, ...]
    withheld: tuple[str, ...]
    compared: Literal["values", "outcomes"]
    mismatch_count: int
    mismatch_classes: Mapping[str, int]
    shares: tuple[tuple[int, ...], ...]
    workers_used: int
    peak_overlap: int
    together: float | None
    exercised: bool | None
    verdict: Verdict
    timing: Timing
    is_slower: bool
    origin: float | None
    power: Power | None
    selftest: tuple[Control, ...]

    @property
    def cause(self) -> Cause | None:
        """The first of the causes."""
        return self.causes[0] if self.causes else None

    @property
    def is_wrong_under_stress(self) -> bool:
        """Whether a perturbed run was not equal to the serial one."""
        return self.stress is not None and bool(self.stress.bad)

    def since_origin(self, moments: tuple[float, ...] | None) -> tuple[float, ...] | None:
        """Return the moments of an interval in seconds since the origin of the run.

        The serial call of a case may have been earlier, for another configuration. Cases that xdist
        ran on several machines have different clocks.
        """
        if moments is None or self.origin is None:
            return None
        return tuple(moment - self.origin for moment in moments)


@public()
@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The JSON-safe digest of all runs of a session; `version` is that of parwork.

    `plain` are the tests that were asked for and not fanned out.
    """

    version: str
    runs: tuple[RunReport, ...] = ()
    plain: tuple[PlainEntry, ...] = ()
    environment: Mapping[str, object] = field(default_factory=dict)


def collect(parts: Iterable[RunEntry]) -> tuple[RunReport, ...]:
    """Join runs from parts that arrive in any order, each with some of the cases.

    If a case comes twice (a rerun, or xdist running it in every process), the last one is kept.
    Runs keep the order of their first arrival, cases that of their workload.
    """
    runs: dict[tuple[object, ...], list[RunEntry]] = {}
    for part in parts:
        runs.setdefault((part.id, part.configuration_id, part.chunksize), []).append(part)
    return tuple(summarise(_join(those)) for those in runs.values())


def _join(parts: Sequence[RunEntry]) -> RunEntry:
    facts = {one.run: one for part in parts for one in part.facts}
    # By index, too: ids that differ only in unprintable characters read alike.
    cases = {(case.index, case.id): case for part in parts for case in part.cases}
    causes = {(cause.name, cause.detail): cause for part in parts for cause in part.causes}
    return replace(
        parts[0],
        facts=tuple(facts.values()),
        cases=tuple(sorted(cases.values(), key=lambda case: case.index)),
        causes=tuple(causes.values()),
        too_slow=next((part.too_slow for part in parts if part.too_slow), ""),
        stress=next((part.stress for part in parts if part.stress is not None), None),
    )


def later(run: RunReport, *, too_slow: str = "", stress: Stress | None = None) -> RunEntry:
    """Return the part of a run that came after it: the verdict of `min_speedup`, perturbed runs."""
    return RunEntry(
        id=run.id,
        configuration_id=run.configuration_id,
        backend=run.backend,
        asked=run.asked,
        policy=run.policy,
        chunksize=run.chunksize,
        expected=run.expected,
        scope=run.scope,
        variation=run.variation,
        too_slow=too_slow,
        stress=stress,
        xdist=run.xdist,
        is_baseline=run.is_baseline,
    )


def summarise(entry: RunEntry) -> RunReport:
    """Return a run with the figures derived from its cases and facts."""
    runs: dict[str, list[CaseEntry]] = {}
    for case in entry.cases:
        runs.setdefault(case.run, []).append(case)
    facts = {one.run: one for one in entry.facts}
    granted = max((run.granted for run in entry.facts), default=0)
    tasks = [tasks_of(cases) for cases in runs.values()]  # of each run
    intervals = [task.interval for ran in tasks for task in ran if task.interval]
    shares, peaks = list(map(share_of, tasks)), list(map(peak_of, tasks))
    classes: Counter[str] = Counter()
    for case in entry.cases:
        if case.classes:
            classes.update(case.classes)
    varied = entry.variation
    if varied is not None:
        exercised = is_exercised(varied, entry.cases, is_whole=_is_whole(entry))
        times, granted = (
            timing_of(varied, entry.cases, xdist=entry.xdist),
            workers_of(varied, entry.cases),
        )
    else:
        lanes = [run.lanes if (run := facts.get(name)) is not None else None for name in runs]
        met = list(zip(shares, peaks, lanes, strict=True))
        exercised = _exercised(entry, met) if intervals else None  # else no case ran to its end
        times = timing([(facts.get(run), cases) for run, cases in runs.items()], xdist=entry.xdist)
    return RunReport(
        **{field.name: getattr(entry, field.name) for field in fields(RunEntry)},
        label=f"{entry.backend}-{granted}" if entry.facts else entry.configuration_id,
        granted=granted,
        budget=next((run.budget for run in entry.facts if run.granted == granted), None),
        start_method=entry.facts[0].start_method if entry.facts else "",
        threads=entry.facts[0].threads if entry.facts else None,
        sent=tuple(sorted({file for run in entry.facts for file in run.sent})),
        withheld=tuple(sorted({file for run in entry.facts for file in run.withheld})),
        compared=_compared(entry.cases),
        mismatch_count=sum([case.mismatch_count for case in entry.cases]),
        mismatch_classes=dict(classes.most_common()),
        shares=tuple(share for share in shares if share),
        workers_used=max(map(len, shares), default=0),
        peak_overlap=max(peaks, default=0),
        together=together(tasks),
        exercised=exercised,
        verdict=_verdict(entry.cases, exercised),
        timing=times,
        is_slower=_is_slower(times.speedup, entry, exercised),
        origin=min([interval[0] for interval in intervals], default=None),
        power=power_of(entry.cases),
        selftest=controls(plant for case in entry.cases for plant in case.planted),
    )


def _compared(cases: Sequence[CaseEntry]) -> Literal["values", "outcomes"]:
    judged = [case for case in cases if case.verdict in (Verdict.EQUAL, Verdict.DIFFERENT)]
    passed = [case for case in judged if case.outcome == "value"]
    kinds = {case.compared for case in passed or judged or cases}
    return "outcomes" if "outcomes" in kinds else "values"


def _is_whole(entry: RunEntry) -> bool:
    return entry.expected is not None and len(entry.cases) >= entry.expected


def _exercised(
    entry: RunEntry, runs: Sequence[tuple[Sequence[int], int, int | None]]
) -> bool | None:
    """Judge whether cases overlapped, from the shares of the workers and the peak of each run.

    It can't be judged with a part of the cases (`-k`, `--lf`). A skipped case is present, but
    cannot overlap with another, nor can the only case of a run, or those of a run in which all
    share a resource. Under xdist each process may have too few cases to overlap, and a lost case,
    or one that was not sent, might have overlapped with others: then it is true or None. A baseline
    on one worker has nothing to prove: the other runs have.
    """
    if entry.is_baseline or not _is_whole(entry):
        return None
    several = [run[:2] for run in runs if sum(run[0]) >= 2 and run[2] != 1]
    if not several and any(sum(run[0]) >= 2 for run in runs):
        return None
    # The runs of several tests differ: that one has met says nothing about another.
    is_enough = any if entry.scope == "function" else all
    met = bool(several) and is_enough(has_met(*run) for run in several)
    return met or (None if entry.xdist or any(case.is_absent for case in entry.cases) else False)


def _verdict(cases: Iterable[CaseEntry], exercised: bool | None) -> Verdict:
    """Return the worst verdict; cases skipped before they were sent count only if all were."""
    verdicts = [case.verdict for case in cases if not case.is_skipped]
    if exercised is False:
        verdicts.append(Verdict.NOT_EXERCISED)
    return Verdict.worst(verdicts)


def _is_slower(speedup: float | None, entry: RunEntry, exercised: bool | None) -> bool:
    """Judge the speed, but not under xdist or for a run that was not parallel: no proof there."""
    if speedup is None or entry.xdist or entry.is_baseline or exercised is False:
        return False
    if entry.variation is not None and not entry.variation.counts_workers:
        return False  # another engine, say, was not meant to be faster
    return round(speedup, 2) < 1
