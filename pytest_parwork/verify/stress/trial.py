"""A perturbed run: the cases of a workload run again in another configuration, and compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace

from ...backends.protocol import Backend
from ...equivalence.outcomes import write_outcome
from ...machine.clock import now
from ...machine.surroundings import environment
from ...model.dataclass import dataclass
from ...model.errors import BackendError
from ...model.listing import shorten
from ...model.outcome import Outcome, Run, Verdict
from ...model.work import Configuration
from ...report.stress import StressRun
from ...runner import Rerun
from ...runner.outcomes import Outcomes
from ..legs import Judged
from .pauses import Perturbed
from .rows import Base, Row

#: Seconds that a task may take at least, and so many times as long as its slowest run so far: one
#: that waits for another for ever is lost.
LEAST, TIMES = 10.0, 20.0

#: Most columns for a value in the first line of a message, which has two of them.
LONGEST = 32

#: Judges the outcome of a task of the first run, by its number, against the serial result, or
#: against another one.
Judge = Callable[[int, Outcome, Outcome | None], Judged]


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """The run of a row, its tasks in their order; None if its backend could not start, and why."""

    row: Row
    order: Sequence[int]
    run: Run | None = None
    why: str = ""
    seconds: float = 0.0

    def close(self) -> None:
        """Free the outcomes."""
        if self.run is not None and isinstance(self.run.outcomes, Outcomes):
            self.run.outcomes.close()


@dataclass(slots=True, kw_only=True)
class Subject:
    """The run of a workload that is perturbed: its tasks `numbers`, all equal to serial.

    `ids` are the ids of their cases, by number; `slowest` is the longest any of them took, in
    seconds. `find` returns a backend by its name. `fresh` are the outcomes of the tasks in a new
    process, with which those of other new processes are compared where the first run was on
    threads: such a process lacks what pytest's process has.
    """

    rerun: Rerun
    base: Base
    numbers: Sequence[int]
    ids: Mapping[int, str]
    slowest: float
    find: Callable[[str], Backend]
    judge: Judge
    fresh: dict[int, Outcome] = field(default_factory=dict)

    def run(self, row: Row) -> StressRun:
        """Run the tasks as a row says, and compare them."""
        is_foreign = self.base.is_threaded and row.is_fresh
        if is_foreign and not self.fresh and row.order != "given":
            self.run(replace(row, order="given"))
        order = row.arrange(self.numbers)
        return self.compared(execute(self.rerun, self.base, row, order, self._limit, self.find))

    def compared(self, made: Executed) -> StressRun:
        """Compare the tasks of a run with what they gave serially."""
        row, order, run = made.row, made.order, made.run
        if run is None:
            return StressRun(row=str(row), verdict=Verdict.NOT_SENT, note=made.why)
        is_foreign = self.base.is_threaded and row.is_fresh
        assert isinstance(run.outcomes, Outcomes)
        limit = self._limit
        found = Found(row)
        try:
            for at, number in enumerate(order):
                if number not in self.ids:
                    continue
                outcome = run.outcomes.load(at, limit)
                if is_foreign and number not in self.fresh:
                    self.fresh[number] = outcome
                expected = self.fresh[number] if is_foreign else None
                found.add(self.ids[number], outcome, self.judge(number, outcome, expected))
        finally:
            run.outcomes.close()
        return found.entry(made.seconds)

    @property
    def _limit(self) -> float:
        return limit_of(self.slowest)


def execute(
    rerun: Rerun,
    base: Base,
    row: Row,
    order: Sequence[int],
    limit: float,
    find: Callable[[str], Backend],
    *,
    is_early: bool = False,
) -> Executed:
    """Run tasks in their order, in the configuration of a row; each may take `limit` seconds."""
    began = now()
    around = None
    if row.pauses or row.readonly or row.crowd > 1:
        around = Perturbed(seed=row.seed, pauses=row.pauses, readonly=row.readonly, crowd=row.crowd)
    try:
        if row.backend == base.backend and not row.is_fresh:
            run = rerun.run(
                order,
                workers=row.workers,
                chunksize=row.chunk,
                threads=row.threads,
                timeout=limit,
                around=around,
                is_early=is_early,
            )
        else:
            seeded = {"PYTHONHASHSEED": str(row.hash)} if row.is_fresh else {}
            with environment(seeded):
                run = rerun.run_elsewhere(
                    order,
                    find(row.backend),
                    Configuration(backend=row.backend, workers=row.workers, chunksize=row.chunk),
                    timeout=limit,
                    threads=row.threads,
                    around=around,
                )
    except BackendError as error:
        return Executed(row=row, order=order, why=str(error))
    return Executed(row=row, order=order, run=run, seconds=now() - began)


def limit_of(slowest: float) -> float:
    """Return the seconds that a task may take, for those of the slowest one so far."""
    return max(LEAST, TIMES * slowest)


def text_of(outcome: Outcome) -> str:
    """Return what a task gave, on one line; a value without saying that it is one."""
    return write_outcome(outcome).removeprefix("value ")


class Found:
    """What the tasks of a perturbed run gave, counted."""

    def __init__(self, row: Row, reference: str = "serial") -> None:
        self._row = row
        self._reference = reference
        self._verdicts: Counter[Verdict] = Counter()
        self._values: dict[str, Counter[str]] = {}
        self._worst: tuple[str, Judged, str] | None = None
        self._notes: dict[str, None] = {}

    def note(self, text: str) -> None:
        """Note what is no failure."""
        self._notes[text] = None

    def add(self, id: str, outcome: Outcome, found: Judged) -> None:
        """Count what a task gave."""
        verdict = found.entry.verdict
        if verdict is Verdict.NOT_SENT:
            detail = outcome.not_sent.detail if outcome.not_sent is not None else ""
            self._notes[f"{id.rpartition('::')[2]} could not be sent: {detail}"] = None
            return
        if self._row.readonly and verdict is not Verdict.EQUAL:
            name = id.rpartition("::")[2]
            self._notes[f"with read-only input {name} gives {text_of(outcome)}"] = None
            return
        self._verdicts[verdict] += 1
        if verdict is not Verdict.EQUAL:
            text = text_of(outcome)
            self._values.setdefault(id, Counter())[text] += 1
            if self._worst is None:
                expected = found.outcomes[1] if len(found.outcomes) > 1 else None
                self._worst = id, found, "" if expected is None else text_of(expected)
        found.outcomes.clear()

    def entry(self, seconds: float) -> StressRun:
        """Return the entry of the run, which took so long."""
        note = next(iter(self._notes), "")
        if not self._verdicts:
            verdict = Verdict.EQUAL if self._row.readonly else Verdict.NOT_SENT
            return StressRun(row=str(self._row), verdict=verdict, seconds=seconds, note=note)
        id, first, expected = "", "", ""
        if self._worst is not None:
            id, found, expected = self._worst
            name = id.rpartition("::")[2]
            given = next(iter(self._values[id]))
            lost = found.entry.lost
            here, there = (shorten(text, LONGEST) for text in (given, expected))
            both = f"{self._reference} {there}, here {here}"
            what = both if lost is None else str(lost["detail"])
            first = f"{name}: {what}"
        return StressRun(
            row=str(self._row),
            verdict=Verdict.worst(list(self._verdicts)),
            seconds=seconds,
            equal=self._verdicts[Verdict.EQUAL],
            different=self._verdicts[Verdict.DIFFERENT],
            lost=self._verdicts[Verdict.LOST],
            case=id,
            expected=expected,
            values=dict(self._values.get(id, {})),
            first=first,
            note=note,
        )
