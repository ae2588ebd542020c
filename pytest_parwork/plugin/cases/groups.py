"""The cases of a workload in one configuration, with their runs and verdicts.

The objects refer to one another, so none has a `repr` of its fields: pytest prints the arguments of
every frame of a failure, and each case would print all others, with everything they refer to.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING

import pytest

from ...machine.deadline import Shared
from ...machine.limits import Limits
from ...machine.pressure import Pressure
from ...model.causes import Cause
from ...model.comparison import OwnComparison, Side
from ...model.dataclass import dataclass
from ...model.errors import ParworkError
from ...model.outcome import Outcome
from ...model.work import Plan, Scope
from ...report.data import RunEntry
from ...report.entries import CaseEntry, RunFacts
from ...runner.outcomes import Outcomes
from ...verify.legs import SERIAL, Look, Terms, in_parallel
from ...worker.fixtures.recipe import FixturePlan
from ...worker.inputs import Inputs, is_sampled
from ..compat import argument_names
from ..config.registry import breadcrumb
from .judgement import Judgement
from .kept import Kept

if TYPE_CHECKING:
    from ...verify.second_look import SecondLook


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class ParallelRun:
    """One parallel run of those cases of a group that share the values of their wide fixtures.

    `wide` are those values by name, `cases` the cases that were sent, `senders` the case of each
    task, `waiting` the number of cases whose outcome is still to be compared. `look` examines
    doubtful serial runs, None where the run cannot have influenced them. `ends` are the first and
    the last task of each worker, where not all cases are verified.
    """

    facts: RunFacts
    outcomes: Outcomes
    cases: Sequence[Case]
    senders: Sequence[Case]
    waiting: int
    wide: dict[str, object]
    limits: Limits
    side: Side
    pressure: Pressure | None = None
    look: SecondLook | None = None
    ends: frozenset[int] = frozenset()

    def facts_at_end(self) -> RunFacts:
        """Return the facts, with how busy this machine was since the parallel run."""
        now = Pressure.here()
        if self.pressure is None or now is None:
            return self.facts
        return replace(self.facts, waiting=self.pressure.share_until(now))

    def close(self) -> None:
        """Free the outcomes, the arguments and the values of wide fixtures."""
        self.outcomes.close(with_rerun=True)
        self.wide.clear()  # otherwise the values would outlive their fixtures
        if self.look is not None:
            self.look.close()

    def others(self, number: int) -> tuple[int, int]:
        """Return how many other tasks than this lost one have an outcome, and how many there are.

        One that was lost when its outcome was loaded had one until then.
        """
        is_counted = self.outcomes.without_value(number).lost is not None
        others = len(self.outcomes) - 1
        return others - self.outcomes.lost + is_counted, others


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Sending:
    """The run of a case, in which its outcome is stored.

    `run` is the parallel run, `number` the case's task in it, the first of `count`; `shown` is the
    one whose outcome decides. `is_waiting` says whether the outcome is still to be compared;
    `trouble` is the reason if there was no run. A case `is_withheld` while hooks or marks would
    skip it. `folder` is the `tmp_path` of the case in the run.
    """

    run: ParallelRun | None = None
    number: int = -1
    count: int = 1
    shown: int = -1
    is_waiting: bool = False
    trouble: str = ""
    is_withheld: bool = False
    folder: str = ""

    @property
    def numbers(self) -> range:
        """The tasks of the case in the run."""
        return range(self.number, self.number + self.count)

    def put(self, run: ParallelRun, number: int, count: int) -> None:
        """Expect the outcome from this run, as these tasks of it."""
        self.run, self.number, self.shown = run, number, number
        self.count, self.is_waiting = count, True

    def give_up(self, error: BaseException) -> None:
        """Record why there was no run."""
        is_ours = isinstance(error, ParworkError)
        self.trouble = str(error) if is_ours else f"{type(error).__name__}: {error}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Case:
    """One test item whose body is a task, with its run and its verdict.

    `id` is the node id, without the suffix that xdist adds; `index` is its place in the group,
    `ordinal` its place among all items that were generated for its function in one configuration,
    None if it was marked later. `fixtures` is the plan for its function fixtures, if it has any.
    """

    item: pytest.Function
    group: Group
    index: int
    ordinal: int | None
    plan: Plan
    id: str
    fixtures: FixturePlan | None = None
    sent: Sending = field(default_factory=Sending)
    judged: Judgement = field(default_factory=Judgement)

    @property
    def key(self) -> Hashable:
        """The key of the case that is the same in every configuration: they share one reference.

        pytest's own indices of direct parameters differ between configurations.
        """
        ordinal = self.id if self.ordinal is None else self.ordinal
        return (self.item.parent, self.item.originalname, ordinal)

    @property
    def is_absent(self) -> bool:
        """Whether it is lost or not sent, so that it is not set up here.

        With a lost one, this process might crash, too; the other has nothing to be compared with.
        """
        if self.judged.entry is not None:
            return self.judged.entry.is_absent
        if self.sent.run is None:
            return bool(self.sent.trouble)
        is_absent, sent = self.sent.run.outcomes.is_absent, self.sent
        return is_absent(sent.number) if sent.count == 1 else any(map(is_absent, sent.numbers))

    @property
    def test_id(self) -> str:
        """The node id of its test, without parameters."""
        assert self.item.parent is not None
        return f"{self.item.parent.nodeid}::{self.item.originalname}"

    def take(self, number: int) -> Outcome:
        """Load the outcome of one of its tasks, once, within the time limit of the case."""
        assert self.sent.run is not None
        outcomes, limit = self.sent.run.outcomes, self.limit
        if not outcomes.may_run_code(number):
            return outcomes.take(number, limit)
        with breadcrumb(self.item.config).loading(self.id):
            return outcomes.take(number, limit)

    @property
    def limit(self) -> Shared | None:
        """Its timeout, shared by all that loads, compares, shows and deletes its results here."""
        seconds = self.plan.timeout
        return None if seconds is None else self.judged.limit_of(seconds)

    def terms(self, own: OwnComparison | None = None, *, is_recorded: bool = False) -> Terms:
        """Return the terms by which the case is judged."""
        run = self.sent.run
        return Terms(
            id=self.id,
            index=self.index,
            run=run.facts.run if run is not None else "",
            actual=self.side if run is None else run.side,
            reference=SERIAL,
            policy=self.plan.policy,
            timeout=self.limit,
            own=own,
            sent=run.facts.sent if run is not None else (),
            must_return=True,
            is_late_compared=self.fixtures is None or not self.fixtures.by_pytest,
            is_recorded=is_recorded,
        )

    def look(self, terms: Terms, number: int) -> Look | None:
        """Return the second look at its serial run, None if the parallel run cannot reach that.

        It is a look at one of its tasks. Of the further ones, only those that differ are doubtful:
        the serial run is the same for all.
        """
        run = self.sent.run
        if run is None or run.look is None:
            return None
        examine = run.look.of(terms, number)
        if number == self.sent.number:
            return examine
        return lambda actual, expected, found: found or examine(actual, expected, found)

    def inputs(self) -> Inputs | None:
        """Return the current arguments if the case is in the sample, else None.

        There are none, either, if its set-up has failed.
        """
        run = self.sent.run
        if run is None or not is_sampled(self.sent.number, len(run.senders)):
            return None
        names, values = argument_names(self.item), self.item.funcargs
        if self.fixtures is not None:  # the case may change what is set up for it only
            names = [name for name in names if name in self.fixtures.given]
        if not values.keys() >= set(names):
            return None
        return Inputs((), {name: values[name] for name in names}, seconds=self.limit)

    @property
    def side(self) -> Side:
        """The name of its parallel run in messages: `joblib-2`, or `joblib` if there was no run."""
        run = self.sent.run
        return run.side if run is not None else in_parallel(self.plan.configuration.backend)


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Group:
    """All cases of one workload in one configuration.

    `id` is the node id of what holds the cases, `.` for the session; `scope` says what that is.
    `expected` is the number of cases without `-k` and similar options, None if unknown, `verified`
    the ids of those that also run serially, None if all do. `policies` are the texts of the
    policies of the cases, each once, because every entry lists all. `imported` are the attributes
    of the test classes before anything was set up. `is_reported` says that the report contains the
    run. `varied` are the parameters that look like a number of workers of the code under test,
    `causes` those of the differences of each test, `kept` what its perturbed runs need.
    """

    id: str
    plan: Plan
    scope: Scope = "function"
    expected: int | None
    cases: list[Case] = field(default_factory=list)
    policies: dict[str, None] = field(default_factory=dict)
    facts: dict[str, RunFacts] = field(default_factory=dict)
    verified: frozenset[str] | None = None
    imported: Mapping[type | None, Mapping[str, object]] = field(default_factory=dict)
    is_reported: bool = False
    varied: tuple[str, ...] = ()
    causes: dict[str, tuple[Cause, ...]] = field(default_factory=dict)
    kept: Kept[ParallelRun] | None = None

    def verifies(self, case: Case) -> bool:
        """Return whether a case also runs serially.

        Of those outside of the share, the first and the last one of each worker do: a fault of a
        worker that is new, or has run much, shows there.
        """
        if self.verified is None or case.id in self.verified:
            return True
        run, share = case.sent.run, case.plan.verify
        return run is not None and share > 0 and not run.ends.isdisjoint(case.sent.numbers)

    def entry(self, cases: Sequence[CaseEntry], *, xdist: bool = False) -> RunEntry:
        """Return the entry with these cases, and only the facts of the runs that they were part of.

        If each case has a run of its own, all facts with every case would be quadratic.
        """
        runs = dict.fromkeys([case.run for case in cases])
        return RunEntry(
            id=self.id,
            configuration_id=self.plan.configuration.id,
            backend=self.plan.configuration.backend,
            asked=self.plan.configuration.workers,
            chunksize=self.plan.configuration.chunksize,
            policy=", ".join(self.policies),
            facts=tuple(self.facts[run] for run in runs if run in self.facts),
            cases=tuple(cases),
            expected=self.expected,
            xdist=xdist,
            varied=self.varied,
            causes=tuple(cause for found in self.causes.values() for cause in found),
            scope=self.scope,
            is_baseline=self.plan.configuration.is_baseline,
        )


CASE = pytest.StashKey[Case]()
#: The reason why an item cannot be a case, if the session continues nevertheless.
NO_CASE = pytest.StashKey[str]()
