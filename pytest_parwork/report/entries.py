"""The entries of a report for one case and for one run, as JSON-safe values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from types import MappingProxyType
from typing import Any, Literal

from ..equivalence.show import clip, show
from ..machine.deadline import deadline
from ..model.comparison import Comparison, Mismatch, Note
from ..model.dataclass import dataclass
from ..model.observed import Legs
from ..model.outcome import Lost, NotSent, Outcome, OutcomeKind, Run, Verdict
from ..model.printable import make_printable, printable
from ..model.work import Budget
from .repeats import Repeat, interval_of
from .selftest import Plant
from .serialising import serialise

#: `CaseEntry.why` of a case that was skipped before it was sent.
SKIPPED = "skipped"

#: How `CaseEntry.why` begins for a case outside of the share that is verified: `verify=0.5`.
BY_SHARE = "verify="

#: `CaseEntry.why` of a case that was not compared because the session was interrupted.
INTERRUPTED = "interrupted"

#: What `RunFacts.fixtures` has for a run whose cases have the same warning filters, by marks.
FILTERS = "filterwarnings"

#: The mismatch classes of a case without mismatches.
_NO_CLASSES: Mapping[str, int] = MappingProxyType({})

#: In place of the outcome of a case that has none.
_NO_OUTCOME = Outcome(kind="lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A record of an outcome, to compare it with one of another session or machine.

    `text` is the value, or the exception, on one bounded line. `digest` is that of
    `equivalence.digest` in hexadecimal: equal for values that are equal by `exact()`, and only for
    those; None if there is no digest. `value` is the value itself, or a summary of it, in the form
    of `report.values`; None if it is not small plain data.
    """

    kind: OutcomeKind
    text: str = ""
    digest: str | None = None
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseEntry:
    """One case in one configuration.

    `index` is the place of the case in its workload, `run` the run it belongs to, as in
    `RunFacts`. `serial` and `parallel` are seconds, None where the case did not run to its end,
    `serial_cpu` and `parallel_cpu` the CPU seconds in them;
    `interval` is (arrived, started, ended) in the parallel run, `serial_interval` (started, ended)
    in the serial one, both on the clock of the machine: `RunReport.since_origin` makes them
    relative. `worker` and `process` are those of the parallel outcome. `lost` is None or a
    dictionary: "reason", "detail", "tries" (each with "pid", "seconds", "is_alone"), "stack" (the
    innermost frame first), "leg" ("parallel" or "serial"). `not_sent` is None or the fields of
    `model.NotSent` as a dictionary: "reason", "detail", "name", "path", "remedy". `mismatch_count`,
    and `classes` by class, count the mismatches that are not kept too. `outcome` is how the serial
    run ended, or the parallel one if there is no other; `compared` is `values` only if both could
    have returned one.
    `why` says why a case is NOT_VERIFIED: `verify=0.5`, `SKIPPED` or `INTERRUPTED`. `result` is
    that of the serial run, where there was one, else that of the parallel run; None where no report
    file is asked for. `legs` is what ran in both calls of code that is parallel itself, for which
    the parallel run is that of a variant, and the serial one that of its reference. `repeats` are
    all tasks of a case that is several of them, in their order: the other fields describe the first
    of the worst of these. `planted` are the faults of `--parwork-selftest`.
    """

    id: str
    verdict: Verdict
    index: int = 0
    run: str = ""
    serial: float | None = None
    parallel: float | None = None
    serial_cpu: float | None = None
    parallel_cpu: float | None = None
    worker: int | None = None
    process: int | None = None
    interval: tuple[float, float, float] | None = None
    serial_interval: tuple[float, float] | None = None
    outcome: OutcomeKind = "value"
    compared: Literal["values", "outcomes"] = "values"
    lost: Mapping[str, Any] | None = None
    not_sent: Mapping[str, str] | None = None
    mismatches: tuple[Mismatch, ...] = ()
    mismatch_count: int = 0
    classes: Mapping[str, int] = field(default_factory=lambda: _NO_CLASSES)
    notes: tuple[Note, ...] = ()
    why: str = ""
    result: Result | None = None
    legs: Legs | None = None
    repeats: tuple[Repeat, ...] = ()
    planted: tuple[Plant, ...] = ()

    def __post_init__(self) -> None:
        if not (self.id.isprintable() and self.why.isprintable()):
            make_printable(self, "id", "why")

    @property
    def tasks(self) -> Sequence[CaseEntry | Repeat]:
        """What ran in parallel: the repeats of the case, or the case itself."""
        return self.repeats or (self,)

    @property
    def is_skipped(self) -> bool:
        """True if the case was never sent: it counts as present, and as nothing else."""
        return self.why == SKIPPED

    @property
    def is_absent(self) -> bool:
        """True if it has no outcome of the parallel run: lost, or not sent."""
        return self.lost is not None or self.not_sent is not None

    @property
    def returned_nothing(self) -> bool:
        """True if it passed without a value, so that only that was compared."""
        return self.outcome == "value" and self.compared == "outcomes"

    @property
    def is_left_out(self) -> bool:
        """True if it was meant to run in one of the two runs at most: skipped, or by `verify=`."""
        return self.is_skipped or self.why.startswith(BY_SHARE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """The seconds and workers of one run.

    A workload with several values of a wide fixture has one run for each of them. `run` is the name
    of the run, unique in the session, also among the processes of xdist; `fixtures` are the wide
    fixtures by which it was split from others, with `FILTERS` among them if marks of its cases did
    so, `lanes` how many cases could run at the same time
    at most because of `exclusive`, None without it, `waiting` the share of the time of the serial
    run in which tasks of this machine waited for a CPU, None if unknown. The other fields are those
    of `model.Run`.
    """

    run: str
    wall: float
    startup: float
    granted: int
    start_method: str
    budget: Budget | None = None
    threads: int | None = None
    sent: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    avoided: str = ""
    fixtures: tuple[str, ...] = ()
    lanes: int | None = None
    waiting: float | None = None

    def __post_init__(self) -> None:
        make_printable(self, "start_method", "avoided")
        for name in ("sent", "withheld", "fixtures"):
            object.__setattr__(self, name, tuple(map(printable, getattr(self, name))))

    @classmethod
    def of(
        cls, run: Run, name: str, *, fixtures: tuple[str, ...] = (), lanes: int | None = None
    ) -> RunFacts:
        """Return the facts of a run that gets this name."""
        return cls(
            run=name,
            wall=run.wall,
            startup=run.startup,
            granted=run.granted,
            start_method=run.start_method,
            budget=run.budget,
            threads=run.threads,
            sent=run.sent,
            withheld=run.withheld,
            avoided=run.avoided,
            fixtures=fixtures,
            lanes=lanes,
        )


def judged(
    id: str,
    verdict: Verdict,
    *,
    index: int,
    run: str = "",
    parallel: Outcome | None = None,
    serial: Outcome | None = None,
    comparison: Comparison | None = None,
    why: str = "",
    result: Result | None = None,
) -> CaseEntry:
    """Return the entry of a case from its outcomes, as far as they are known.

    `result` is that of the serial outcome, or of the parallel one if there is no serial one.
    """
    lost, leg = parallel.lost if parallel is not None else None, "parallel"
    if lost is None and serial is not None:
        lost, leg = serial.lost, "serial"
    sent = parallel or _NO_OUTCOME
    seconds = serial_interval = taken = None
    if sent.started is not None and sent.ended is not None:
        taken = sent.ended - sent.started
    if serial is not None and serial.started is not None and serial.ended is not None:
        serial_interval = (serial.started, serial.ended)
        seconds = serial.ended - serial.started
    known = sent if serial is None else serial
    nothing = serial is not None and (serial.kind != "value" or serial.value is None)
    return CaseEntry(
        id=id,
        verdict=verdict,
        index=index,
        run=run,
        serial=seconds,
        parallel=taken,
        serial_cpu=serial.cpu if serial is not None else None,
        parallel_cpu=sent.cpu,
        worker=sent.worker,
        process=sent.process,
        interval=interval_of(sent),
        serial_interval=serial_interval,
        outcome=known.kind,
        compared="outcomes" if nothing and sent.value is None else "values",
        lost=None if lost is None else _plain_lost(lost, leg),
        not_sent=None if sent.not_sent is None else _plain_not_sent(sent.not_sent),
        mismatches=comparison.mismatches if comparison is not None else (),
        mismatch_count=comparison.count if comparison is not None else 0,
        classes=(comparison.classes if comparison is not None else {}) or _NO_CLASSES,
        notes=comparison.notes if comparison is not None else (),
        why=why,
        result=result,
    )


def result_of(outcome: Outcome, *, seconds: float | None) -> Result:
    """Return the record of an outcome; `seconds` limits the code of its value.

    It takes 5 to 10 us for a small value, and for a large array as long as `exact()` takes to
    compare two of them, so only sessions that write a report make one.
    """
    if outcome.kind != "value":
        failure = outcome.failure
        text = f"{failure.type}: {failure.text}" if failure is not None else ""
        return Result(kind=outcome.kind, text=clip(text))
    from ..equivalence.digest import digest  # here, because most sessions write no report
    from .values import carry

    try:
        with deadline(seconds):
            text, found = show(outcome.value), digest(outcome.value)
            carried = carry(outcome.value)
    except KeyboardInterrupt:
        raise
    except BaseException:  # TimedOut, or from code of the value
        return Result(kind="value")
    digest_text = found.hex() if found is not None else None
    return Result(kind="value", text=text, digest=digest_text, value=carried)


def with_loss(entry: CaseEntry, lost: Lost) -> CaseEntry:
    """Return the entry of a compared case that was lost afterwards, in this process."""
    return replace(entry, verdict=Verdict.LOST, lost=_plain_lost(lost, "serial"))


def with_rejection(entry: CaseEntry, why: str) -> CaseEntry:
    """Return the entry of a case with a fixture that a worker does not support."""
    not_sent = NotSent(reason="argument", detail=why)
    return replace(entry, verdict=Verdict.NOT_SENT, not_sent=_plain_not_sent(not_sent))


def with_mismatches(entry: CaseEntry, comparison: Comparison) -> CaseEntry:
    """Return the entry of a compared case whose tear-downs differ, too."""
    return replace(
        entry,
        verdict=Verdict.DIFFERENT,
        mismatches=(*entry.mismatches, *comparison.mismatches),
        mismatch_count=entry.mismatch_count + comparison.count,
        classes=Counter(entry.classes) + Counter(comparison.classes),
    )


def _plain_not_sent(not_sent: NotSent) -> dict[str, str]:
    return {key: printable(text) for key, text in serialise(not_sent).items()}


def _plain_lost(lost: Lost, leg: str) -> dict[str, object]:
    stack = tuple(map(printable, lost.stack))
    known = serialise(replace(lost, detail=printable(lost.detail), stack=stack))
    return {**known, "leg": leg}
