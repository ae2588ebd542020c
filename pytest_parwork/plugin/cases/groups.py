"""The cases of a workload in one configuration, and what is known of them.

They refer to one another, so that none has a `repr` of its fields: pytest writes the arguments of
every frame of a failure, and each case would write all others, with all that these refer to.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

import pytest

from ...machine.limits import Limits
from ...model.comparison import OwnComparison, Side
from ...model.outcome import Failure, Outcome, Verdict
from ...model.output import Output
from ...model.work import Plan
from ...report.data import RunEntry
from ...report.entries import CaseEntry, RunFacts
from ...runner.outcomes import Outcomes
from ...verify.legs import SERIAL, Terms, in_parallel
from ...worker.fixtures.recipe import FixturePlan
from ...worker.inputs import Inputs, is_sampled
from ..compat import argument_names
from ..config.settings import breadcrumb


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class ParallelRun:
    """One parallel run: of the cases of a group that share the values of their wide fixtures.

    `wide` are those values by name, `cases` those that were sent, `waiting` is of how many of them
    the outcome is still to be compared.
    """

    facts: RunFacts
    outcomes: Outcomes
    cases: Sequence[Case]
    waiting: int
    wide: dict[str, object]
    limits: Limits
    side: Side

    def others(self) -> tuple[int, int]:
        """Return how many cases have an outcome, and how many there are besides a lost one."""
        return len(self.outcomes) - self.outcomes.lost, len(self.outcomes) - 1


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Sending:
    """Where the outcome of a case lies.

    `run` is the run that it was part of, `number` its task in that, `is_waiting` says whether its
    outcome is still to be compared; `trouble` is why there was no run. `folder` is its `tmp_path`
    there.
    """

    run: ParallelRun | None = None
    number: int = -1
    is_waiting: bool = False
    trouble: str = ""
    folder: str = ""

    def put(self, run: ParallelRun, number: int) -> None:
        """Expect the outcome from this run, as this task of it."""
        self.run, self.number, self.is_waiting = run, number, True

    def give_up(self, error: BaseException) -> None:
        """Note why there was no run."""
        self.trouble = f"{type(error).__name__}: {error}"


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Judgement:
    """What came of a case.

    `entry` and `message` stand once they are there, also where the item is run again. `traceback`
    is that of the worker, for a failure that was not verified, `output` what it printed, logged and
    warned there, until that is shown. `torn` is what the tear-down raised there, None where that is
    not known, or was compared already.

    `wide_seconds` is how long wide fixtures took to be set up for it, the first to need them,
    `setup_seconds` how long those of function scope took here, `broken` what these raised.
    """

    entry: CaseEntry | None = None
    message: str = ""
    traceback: str = ""
    torn: tuple[Failure, ...] | None = None
    output: Output | None = None
    wide_seconds: float = 0.0
    setup_seconds: float = 0.0
    broken: BaseException | None = None

    def take_torn(self) -> tuple[Failure, ...]:
        """Return what the tear-down raised in the worker: it is compared once."""
        torn, self.torn = self.torn or (), None
        return torn

    def take_broken(self) -> BaseException | None:
        """Return what the set-up raised here: it is compared once, and holds its frames."""
        broken, self.broken = self.broken, None
        return broken

    def reject(self, why: str) -> None:
        """Note that there is nothing to compare: a worker cannot have the fixtures."""
        assert self.entry is not None
        self.entry = replace(self.entry, verdict=Verdict.NOT_VERIFIED, why=REJECTED)
        self.message = why


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Case:
    """One test item whose body is a task: what it is, where its outcome lies, what was judged.

    `id` is the node id, without what xdist adds to it; `index` is its place in the group, `ordinal`
    that among all that were generated for its function in one configuration, None where it was
    marked later. `fixtures` is how those of function scope are made where it runs, None without
    any.
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
        """What is the same for this case in every configuration: they share one reference.

        pytest's own indices of direct parameters are different in each.
        """
        ordinal = self.id if self.ordinal is None else self.ordinal
        return (self.item.parent, self.item.originalname, ordinal)

    @property
    def is_lost(self) -> bool:
        """Whether it must not be set up here: that might do what it did to its worker."""
        if self.judged.entry is not None:
            return self.judged.entry.verdict is Verdict.LOST
        if self.sent.run is None:
            return False
        return self.sent.run.outcomes.without_value(self.sent.number).lost is not None

    def take(self) -> Outcome:
        """Load what came of the case in the parallel run, once, in the time that it has."""
        assert self.sent.run is not None
        outcomes, number = self.sent.run.outcomes, self.sent.number
        may_end_us = outcomes.may_run_code(number)
        with breadcrumb(self.item.config).loading(self.id) if may_end_us else nullcontext():
            return outcomes.take(number, self.plan.timeout)

    def terms(self, own: OwnComparison | None = None) -> Terms:
        """Return what it is judged by."""
        run = self.sent.run
        return Terms(
            id=self.id,
            index=self.index,
            batch=run.facts.batch if run is not None else "",
            actual=self.side,
            reference=SERIAL,
            policy=self.plan.policy,
            timeout=self.plan.timeout,
            own=own,
            sent=run.facts.sent if run is not None else (),
            must_return=True,
        )

    def inputs(self) -> Inputs | None:
        """Return the arguments of a case of the sample as they are now, None for the others."""
        run = self.sent.run
        if run is None or not is_sampled(self.sent.number, len(run.outcomes)):
            return None
        names = argument_names(self.item)
        if self.fixtures is not None:  # what is made for the case alone may be changed
            names = [name for name in names if name in self.fixtures.given]
        values = {name: self.item.funcargs[name] for name in names}
        return Inputs((), values, seconds=self.plan.timeout)

    @property
    def side(self) -> Side:
        """How texts name its parallel run: `joblib-2`, without the workers if there was none."""
        run = self.sent.run
        return run.side if run is not None else in_parallel(self.plan.configuration.backend)


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Group:
    """All cases of one workload in one configuration.

    `axes` is what the ids of the cases tell of their configuration, empty without a matrix.
    `expected` is how many there are without `-k` and its like, `verified` the ids of those that
    also run serially, None where all do, `policies` what they are compared by, each text once:
    every entry tells all.
    `imported` is what the class of the test held before anything was set up. `is_told` says that
    the report knows of the run.
    """

    id: str
    plan: Plan
    expected: int
    cases: list[Case] = field(default_factory=list)
    axes: str = ""
    policies: dict[str, None] = field(default_factory=dict)
    facts: dict[str, RunFacts] = field(default_factory=dict)
    verified: frozenset[str] | None = None
    imported: Mapping[str, object] = field(default_factory=dict)
    is_told: bool = False

    def verifies(self, case: Case) -> bool:
        """Return whether a case also runs serially."""
        return self.verified is None or case.id in self.verified

    def entry(self, cases: Sequence[CaseEntry], *, xdist: bool = False) -> RunEntry:
        """Return the entry of the run with these cases, and the facts of their batches alone.

        With one batch a case, all facts with every case would be the square of them.
        """
        batches = dict.fromkeys(case.batch for case in cases)
        return RunEntry(
            id=self.id,
            configuration_id=self.plan.configuration.id,
            backend=self.plan.configuration.backend,
            asked=self.plan.configuration.workers,
            chunksize=self.plan.configuration.chunksize,
            policy=", ".join(self.policies),
            facts=tuple(self.facts[batch] for batch in batches if batch in self.facts),
            cases=tuple(cases),
            expected=self.expected,
            xdist=xdist,
        )


CASE = pytest.StashKey[Case]()

#: Why an item cannot be a case, where the session goes on all the same.
NO_CASE = pytest.StashKey[str]()

#: `CaseEntry.why` of a case whose fixtures a worker cannot have.
REJECTED = "refused"
