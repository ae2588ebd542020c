"""The cases of a workload in one configuration, and what is known of them.

They refer to one another, so that none has a `repr` of its fields: pytest writes the arguments of
every frame of a failure, and each case would write all others, with all that these refer to.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import pytest

from ...machine.limits import Limits
from ...model.outcome import Failure, Outcome, Verdict
from ...model.output import Output
from ...model.work import Plan
from ...report.data import RunEntry
from ...report.entries import CaseEntry, RunFacts
from ...runner.outcomes import Outcomes
from ...worker.fixtures.recipe import Stage
from ..config.settings import CONFIGURATION, breadcrumb

__all__ = [
    "CASE",
    "REFUSED",
    "Case",
    "Group",
    "Sent",
    "configuration_of",
    "label",
    "parameters_of",
]


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Sent:
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

    def others(self) -> tuple[int, int]:
        """Return how many cases have an outcome, and how many there are beside a lost one."""
        return len(self.outcomes) - self.outcomes.lost, len(self.outcomes) - 1


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Case:
    """One test item whose body is a task.

    `id` is the node id, without what xdist adds to it; `index` is its place in the group, `ordinal`
    that among all that were generated for its function in one configuration, None where it was
    marked later. `sent` is the run that it was part of, `number` its task in that, `is_waiting`
    says whether its outcome is still to be compared; `trouble` is why there was no run. `entry`
    and `message` are what came of it; they stand, also where the item is run again. `traceback` is
    that of the worker, for a failure that was not verified, `output` what it printed, logged and
    warned there, until that is shown.

    `wide_seconds` is how long wide fixtures took to be set up for it, the first to need them.
    `stage` is how its fixtures of function scope are made where it runs, None without any;
    `folder` is its `tmp_path` there, `setup_seconds` how long the set-up took here, `broken`
    what it raised. `torn` is what the tear-down raised there, None where that is not known, or was
    compared already.
    """

    item: pytest.Function
    group: Group
    index: int
    ordinal: int | None
    plan: Plan
    id: str = field(init=False)
    sent: Sent | None = None
    number: int = -1
    is_waiting: bool = False
    trouble: str = ""
    entry: CaseEntry | None = None
    message: str = ""
    traceback: str = ""
    wide_seconds: float = 0.0
    stage: Stage | None = None
    folder: str = ""
    setup_seconds: float = 0.0
    broken: BaseException | None = None
    torn: tuple[Failure, ...] | None = None
    output: Output | None = None

    def __post_init__(self) -> None:
        assert self.item.parent is not None
        id = f"{self.item.parent.nodeid}::{self.item.name}"
        self.id = self.item.nodeid if self.item.nodeid == id else id  # mostly the same: one text

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
        if self.entry is not None:
            return self.entry.verdict is Verdict.LOST
        if self.sent is None:
            return False
        return self.sent.outcomes.without_value(self.number).lost is not None

    def outcome(self) -> Outcome:
        """Load what came of the case in the parallel run, once, in the time that it has."""
        assert self.sent is not None
        outcomes, number = self.sent.outcomes, self.number
        may_end_us = outcomes.may_run_code(number)
        with breadcrumb(self.item.config).loading(self.id) if may_end_us else nullcontext():
            outcome = outcomes.take(number, self.plan.timeout)
        self.output = outcome.output
        return outcome


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
    configuration_id: str
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
            configuration_id=self.configuration_id or self.plan.configuration.id,
            backend=self.plan.configuration.backend,
            asked=self.plan.configuration.workers,
            chunksize=self.plan.configuration.chunksize,
            policy=", ".join(self.policies),
            facts=tuple(self.facts[batch] for batch in batches if batch in self.facts),
            cases=tuple(cases),
            expected=self.expected,
            xdist=xdist,
        )


def label(case: Case) -> str:
    """Name the configuration of a case that was sent with the workers that it got: `joblib-2`."""
    assert case.sent is not None
    return f"{case.group.plan.configuration.backend}-{case.sent.facts.granted}"


CASE = pytest.StashKey[Case]()

#: Why an item cannot be a case, where the session goes on all the same.
REFUSED = pytest.StashKey[str]()


def configuration_of(item: pytest.Function) -> str | None:
    """Return the id of the item's place in the matrix, None without one."""
    callspec = getattr(item, "callspec", None)
    if callspec is None or CONFIGURATION not in callspec.params:
        return None
    chosen: str = callspec.params[CONFIGURATION].id
    return chosen


def parameters_of(item: pytest.Function) -> tuple[tuple[str, int], ...]:
    """Return the place of the item among all parameter sets, its configuration left out."""
    callspec = getattr(item, "callspec", None)
    indices: Mapping[str, int] = callspec.indices if callspec is not None else {}
    return tuple(sorted((name, at) for name, at in indices.items() if name != CONFIGURATION))
