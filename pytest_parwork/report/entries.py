"""What one case, one mismatch and one run tell a report, as JSON-safe values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from ..model.comparison import Comparison, Mismatch, Note
from ..model.outcome import Lost, Outcome, Run, Verdict
from ..model.printable import make_printable, printable
from ..model.work import Budget

__all__ = [
    "INTERRUPTED",
    "SKIPPED",
    "CaseEntry",
    "RunFacts",
    "judged",
    "plain",
    "with_loss",
    "with_mismatches",
]

#: `CaseEntry.why` of a case that was skipped before it was sent.
SKIPPED = "skipped"

#: `CaseEntry.why` of a case that was not compared any more.
INTERRUPTED = "interrupted"


#: Of a case without mismatches.
NO_CLASSES: Mapping[str, int] = MappingProxyType({})


def plain(entry: Any, **nested: object) -> dict[str, Any]:
    """Return the fields of a slotted dataclass, those of `nested` replaced.

    `dataclasses.asdict` copies every value deeply, which thousands of cases would feel, as they
    would `fields`: a fifth of the time that the report takes.
    """
    return {name: getattr(entry, name) for name in entry.__slots__} | nested


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseEntry:
    """What is known of one case in one configuration.

    `index` is the place of the case in its workload, `batch` the run it belongs to, as in
    `RunFacts`. `serial` and `parallel` are seconds, None where the case did not run to its end;
    `interval` is (arrived, started, ended) on the run's clock. `lost` is None or a dictionary:
    "reason", "detail", "tries" (each with "pid", "seconds", "is_alone"), "stack" (the innermost
    frame first), "leg" ("parallel" or "serial"). `mismatch_count`, and `classes` by class, count
    the mismatches that are not kept too. `why` says why a case is NOT_VERIFIED:
    `verify=0.5`, `SKIPPED` or `INTERRUPTED`.
    """

    id: str
    verdict: Verdict
    index: int = 0
    batch: str = ""
    serial: float | None = None
    parallel: float | None = None
    worker: int | None = None
    interval: tuple[float, float, float] | None = None
    compared: Literal["values", "outcomes"] = "values"
    lost: Mapping[str, Any] | None = None
    mismatches: tuple[Mismatch, ...] = ()
    mismatch_count: int = 0
    classes: Mapping[str, int] = field(default_factory=lambda: NO_CLASSES)
    notes: tuple[Note, ...] = ()
    why: str = ""

    def __post_init__(self) -> None:
        make_printable(self, "id", "why")

    @property
    def is_skipped(self) -> bool:
        """True if the case was never sent: it counts as present, and says nothing else."""
        return self.why == SKIPPED

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values, sequences as tuples.

        The garbage collector looks at lists again and again, at tuples of texts and numbers once:
        with thousands of cases that is a tenth of what they take.
        """
        return plain(
            self,
            verdict=self.verdict.value,
            lost=dict(self.lost) if self.lost else None,
            mismatches=tuple(map(plain, self.mismatches)),
            classes=dict(self.classes),
            notes=tuple(map(plain, self.notes)),
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CaseEntry:
        """Undo `to_dict`."""
        nested = {
            "verdict": Verdict(data["verdict"]),
            "interval": tuple(data["interval"]) if data["interval"] else None,
            "mismatches": tuple(
                Mismatch(**{**mismatch, "indices": tuple(mismatch["indices"])})
                for mismatch in data["mismatches"]
            ),
            "notes": tuple(Note(**note) for note in data["notes"]),
        }
        return cls(**{**data, **nested})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What the runner tells of one run: seconds, workers.

    A workload with several values of a wide fixture is one run for each of them; `batch` names
    the run, different from all others of the session, also those of other xdist processes.
    All others are those of `model.Run`.
    """

    batch: str
    wall: float
    startup: float
    granted: int
    start_method: str
    budget: Budget | None = None
    threads: int | None = None
    sent: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        make_printable(self, "start_method")
        for name in ("sent", "withheld"):
            object.__setattr__(self, name, tuple(map(printable, getattr(self, name))))

    @classmethod
    def of(cls, run: Run, batch: str) -> RunFacts:
        """Return the facts of a run that is to be known as `batch`."""
        return cls(
            batch=batch,
            wall=run.wall,
            startup=run.startup,
            granted=run.granted,
            start_method=run.start_method,
            budget=run.budget,
            threads=run.threads,
            sent=run.sent,
            withheld=run.withheld,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return plain(self, budget=plain(self.budget) if self.budget is not None else None)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunFacts:
        """Undo `to_dict`."""
        budget = Budget(**data["budget"]) if data["budget"] is not None else None
        files = {name: tuple(data[name]) for name in ("sent", "withheld")}
        return cls(**{**data, **files, "budget": budget})


def judged(
    id: str,
    verdict: Verdict,
    *,
    index: int,
    batch: str = "",
    parallel: Outcome | None = None,
    serial: Outcome | None = None,
    comparison: Comparison | None = None,
    why: str = "",
) -> CaseEntry:
    """Return the entry of a case with what is known of its outcomes."""
    lost, leg = parallel.lost if parallel is not None else None, "parallel"
    if lost is None and serial is not None:
        lost, leg = serial.lost, "serial"
    sent = parallel or Outcome(kind="lost")
    interval = None
    if sent.arrived is not None and sent.started is not None and sent.ended is not None:
        interval = (sent.arrived, sent.started, sent.ended)
    nothing = serial is not None and serial.kind == "value" and serial.value is None
    return CaseEntry(
        id=id,
        verdict=verdict,
        index=index,
        batch=batch,
        serial=serial.seconds if serial is not None else None,
        parallel=sent.seconds,
        worker=sent.worker,
        interval=interval,
        compared="outcomes" if nothing and sent.value is None else "values",
        lost=None if lost is None else _plain_lost(lost, leg),
        mismatches=comparison.mismatches if comparison is not None else (),
        mismatch_count=comparison.count if comparison is not None else 0,
        classes=(comparison.classes if comparison is not None else {}) or NO_CLASSES,
        notes=comparison.notes if comparison is not None else (),
        why=why,
    )


def with_loss(entry: CaseEntry, lost: Lost) -> CaseEntry:
    """Return an entry that says of a compared case that it was lost afterwards, in this process."""
    return replace(entry, verdict=Verdict.LOST, lost=_plain_lost(lost, "serial"))


def with_mismatches(entry: CaseEntry, comparison: Comparison) -> CaseEntry:
    """Return an entry that says of a compared case that its tear-downs differ, too."""
    return replace(
        entry,
        verdict=Verdict.DIFFERENT,
        mismatches=(*entry.mismatches, *comparison.mismatches),
        mismatch_count=entry.mismatch_count + comparison.count,
        classes=Counter(entry.classes) + Counter(comparison.classes),
    )


def _plain_lost(lost: Lost, leg: str) -> dict[str, object]:
    return plain(
        lost,
        detail=printable(lost.detail),
        tries=[plain(one) for one in lost.tries],
        stack=list(map(printable, lost.stack)),
        leg=leg,
    )
