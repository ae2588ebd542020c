"""The data of a report: each run with what follows from its cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..model import stats
from ..model.outcome import Verdict
from ..model.printable import make_printable
from ..model.public import public
from ..model.work import Budget, WorkersAsked
from .entries import CaseEntry, RunFacts, plain
from .timing import Timing, timing

__all__ = ["SCHEMA", "Report", "RunEntry"]

#: The version of the JSON report that these data fill.
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEntry:
    """One workload in one configuration, with all its cases or a part of them.

    `id` is the node id without parameters (calls: with `::map[0]`). `expected` is how many cases
    the workload has when complete, None if unknown. `xdist` says that xdist's processes shared the
    cases among them, so that their times measure no speed-up.
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

    def __post_init__(self) -> None:
        make_printable(self, "id", "configuration_id", "backend", "policy")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values, fit for xdist and `json`."""
        return plain(
            self,
            facts=tuple(facts.to_dict() for facts in self.facts),
            cases=tuple(case.to_dict() for case in self.cases),
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunEntry:
        """Undo `to_dict`, also after a journey as JSON."""
        nested = {
            "facts": tuple(RunFacts.from_dict(facts) for facts in data["facts"]),
            "cases": tuple(CaseEntry.from_dict(case) for case in data["cases"]),
        }
        return cls(**{**data, **nested})

    @property
    def granted(self) -> int:
        """How many workers there were; the most, if the runs differ."""
        return max((facts.granted for facts in self.facts), default=0)

    @property
    def budget(self) -> Budget | None:
        """Where the number of workers comes from, None where no run tells."""
        told = [facts.budget for facts in self.facts if facts.granted == self.granted]
        return told[0] if told else None

    @property
    def start_method(self) -> str:
        """How the workers were started, empty if none was."""
        return self.facts[0].start_method if self.facts else ""

    @property
    def threads(self) -> int | None:
        """The limit of native threads in each worker, None for no limit."""
        return self.facts[0].threads if self.facts else None

    @property
    def sent(self) -> tuple[str, ...]:
        """The files of the project that were sent to workers which have none of them."""
        return tuple(sorted({file for facts in self.facts for file in facts.sent}))

    @property
    def withheld(self) -> tuple[str, ...]:
        """The files that were needed there and not sent."""
        return tuple(sorted({file for facts in self.facts for file in facts.withheld}))

    @property
    def label(self) -> str:
        """Name the configuration with the workers it got, `joblib-2` for `joblib-auto`."""
        return f"{self.backend}-{self.granted}" if self.facts else self.configuration_id

    @property
    def compared(self) -> Literal["values", "outcomes"]:
        """`outcomes` if a single case was, so that a forgotten `return` can't hide among others."""
        judged = [c for c in self.cases if c.verdict in (Verdict.EQUAL, Verdict.DIFFERENT)]
        kinds = {case.compared for case in judged or self.cases}
        return "outcomes" if "outcomes" in kinds else "values"

    @property
    def mismatch_count(self) -> int:
        """How many mismatches there are, also those beyond the kept ones."""
        return sum(case.mismatch_count for case in self.cases)

    @property
    def workers_used(self) -> int:
        """How many workers ran a case; the most, if the runs differ."""
        used = (_used(cases) for _, cases in self.batches())
        return max(used, default=0)

    @property
    def peak_overlap(self) -> int:
        """How many cases were in workers' hands at once."""
        return max((_peak(cases) for _, cases in self.batches()), default=0)

    @property
    def together(self) -> float | None:
        """The share of the busy time in which two cases or more were running, None without any."""
        busy = together = 0.0
        for _, cases in self.batches():
            running = [case.interval[1:] for case in cases if case.interval]
            busy += stats.busy_time(running)
            together += stats.busy_time(running, at_least=2)
        return together / busy if busy else None

    @property
    def exercised(self) -> bool | None:
        """True if cases met in at least two workers, None where that can't be judged.

        It can't with a part of the cases (`-k`, `--lf`), and without any that ran to its end. A
        skipped case is present, but can meet no other. xdist may have left each process too few
        cases to meet, and a lost case may have met others, so there it is true or None.
        """
        if self.expected is None or len(self.cases) < self.expected:
            return None
        if all(case.interval is None for case in self.cases):
            return None
        met = any(_used(cases) >= 2 and _peak(cases) >= 2 for _, cases in self.batches())
        return met or (None if self.xdist or any(case.lost for case in self.cases) else False)

    @property
    def verdict(self) -> Verdict:
        """The worst of the cases' verdicts and NOT_EXERCISED.

        A case skipped before it was sent says nothing of the run, unless all were.
        """
        verdicts = [case.verdict for case in self.cases if not case.is_skipped]
        if self.exercised is False:
            verdicts.append(Verdict.NOT_EXERCISED)
        return Verdict.worst(verdicts)

    @property
    def timing(self) -> Timing:
        """Measure all runs together; see `Timing`."""
        return timing(self.batches(), xdist=self.xdist)

    @property
    def is_slower(self) -> bool:
        """True if the run took longer than the serial one, as far as two decimals tell.

        Not of a run under xdist, or one that was not parallel: their times say nothing.
        """
        speedup = self.timing.speedup
        if speedup is None or self.xdist or self.exercised is False:
            return False
        return round(speedup, 2) < 1

    def batches(self) -> Iterator[tuple[RunFacts | None, Sequence[CaseEntry]]]:
        """Yield the cases of each run, with the facts of the run where it told them."""
        cases: dict[str, list[CaseEntry]] = {}
        for case in self.cases:
            cases.setdefault(case.batch, []).append(case)
        facts = {run.batch: run for run in self.facts}
        for batch, members in cases.items():
            yield facts.get(batch), members


def _used(cases: Sequence[CaseEntry]) -> int:
    return len({case.worker for case in cases} - {None})


def _peak(cases: Sequence[CaseEntry]) -> int:
    return stats.peak_overlap(
        (case.interval[0], case.interval[2]) for case in cases if case.interval
    )


@public()
@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The JSON-safe digest of all runs of a session; `version` is that of parwork."""

    version: str
    runs: tuple[RunEntry, ...] = ()
    environment: Mapping[str, object] = field(default_factory=dict)
