"""The serial and parallel times of a workload, measured in a comparable way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial

from ..model import stats
from ..model.dataclass import dataclass
from ..model.outcome import Verdict
from .entries import CaseEntry, RunFacts
from .figures import counted, ratio
from .overlap import tasks_of
from .repeats import Repeat

#: How far a speed-up may be above its bound: in caches that the serial run filled first. One that
#: is further above measures something else, a clock that is set say.
FAR = 1.5

#: Above this share of the time in which tasks wait for a CPU, a machine is busy.
BUSY = 0.25

#: Code that uses fewer CPU seconds in a second waits for something else; code that uses more had a
#: CPU nearly all the time.
WAITS, RUNS = 0.05, 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds, and ratios of them; None where nothing was measured.

    - `serial`: the measured serial seconds of all cases together, even if only a share was run;
    - `parallel`: from the release of the first task to the last outcome, all runs together;
    - `startup`: before that, for payload, workers and imports;
    - `speedup`: serial seconds by `parallel`. Where only a share of the cases ran serially, the
      others are taken to need the mean of that share. A case that is several tasks counts so many
      times: that is the work which ran in parallel;
    - `efficiency`: `speedup` by the number of workers;
    - `bound`: the least possible parallel seconds (`stats.bound`) for cases that take as long as
      serially, where that is known, else as long as in their worker;
    - `bound_share`: `bound` by `parallel`, 1 for a schedule that cannot be better. It is above 1
      where cases were slower serially than in the workers (the serial run filled the caches,
      say), and is not capped, because that tells more than a 1 does;
    - `in_workers`: the seconds of all cases in their workers together;
    - `serial_cpu`, `parallel_cpu`: the CPU seconds of all cases together, in each of the runs;
    - `cpu_share`: their share of the seconds of the cases, the lower one of the two runs;
    - `waiting`: the share of the time of the serial run in which tasks of this machine waited for a
      CPU: as the serial run takes one, those of other programs, or the serial run itself;
    - `flaw`: why the speed-up is not that of the same work in both runs, in a few words: a case
      that is DIFFERENT may have failed early in one of them. None if none is known;
    - `reliable`: the speed-up is measured, on all cases that ran, without a flaw, and no other
      xdist process was taking CPUs away.
    """

    serial: float | None
    parallel: float | None
    startup: float | None
    speedup: float | None
    efficiency: float | None
    bound: float | None
    bound_share: float | None
    flaw: str | None
    reliable: bool
    in_workers: float | None = None
    serial_cpu: float | None = None
    parallel_cpu: float | None = None
    cpu_share: float | None = None
    waiting: float | None = None

    @property
    def is_crowded(self) -> bool:
        """Whether the cases were kept from running: other programs were using the CPUs.

        Cases that sleep use no CPU, and a busy machine does not make them slower.
        """
        if self.waiting is None or self.waiting <= BUSY or self.cpu_share is None:
            return False
        return WAITS < self.cpu_share < RUNS


def timing(runs: Iterable[tuple[RunFacts | None, Sequence[CaseEntry]]], *, xdist: bool) -> Timing:
    """Add up the runs of a workload, which follow one another: facts and cases of each."""
    runs = list(runs)
    # Where no worker came, there is no parallel run to time.
    timed = [(facts, members) for facts, members in runs if facts and facts.granted]
    cases = [case for _, members in timed for case in members]
    tasks = tasks_of(cases)
    serial = [case.serial for case in cases if case.serial is not None]
    parallel = sum(facts.wall for facts, _ in timed)
    ran = [c for c in cases for task in c.repeats or (c,) if task.parallel is not None]
    both = [case.serial for case in ran if case.serial is not None]
    speedup = sum(both) / len(both) * len(ran) / parallel if both and parallel else None
    # The runs follow one another, so each has its own bound.
    bound = sum(stats.bound(_durations(members), facts.granted) for facts, members in timed)
    granted = max((facts.granted for facts, _ in timed), default=0)
    bound_share = bound / parallel if ran and parallel else None
    flaw = flaw_of([case for _, members in runs for case in members])
    if not flaw and speedup is not None and (bound_share or 0) > FAR:
        flaw = f"{ratio(speedup)} is more than {counted(granted, 'worker')} can give"
    return Timing(
        serial=sum(serial) if serial else None,
        parallel=parallel if timed else None,
        startup=sum(facts.startup for facts, _ in timed) if timed else None,
        speedup=speedup,
        efficiency=speedup / granted if speedup is not None else None,
        bound=bound if ran else None,
        bound_share=bound_share,
        flaw=flaw,
        reliable=speedup is not None and len(both) == len(ran) and not flaw and not xdist,
        in_workers=_sum([task.parallel for task in tasks]),
        serial_cpu=_sum([case.serial_cpu for case in cases]),
        parallel_cpu=_sum([task.parallel_cpu for task in tasks]),
        cpu_share=_cpu_share(cases, tasks),
        waiting=max((f.waiting for f, _ in timed if f.waiting is not None), default=None),
    )


def _sum(seconds: Iterable[float | None]) -> float | None:
    known = [each for each in seconds if each is not None]
    return sum(known) if known else None


def _cpu_share(cases: Sequence[CaseEntry], tasks: Sequence[CaseEntry | Repeat]) -> float | None:
    """Return the CPU seconds by the seconds of the cases, the lower ones of both runs."""
    legs = (
        ([case.serial for case in cases], [case.serial_cpu for case in cases]),
        ([task.parallel for task in tasks], [task.parallel_cpu for task in tasks]),
    )
    shares = []
    for seconds, used in legs:
        both = partial(zip, seconds, used, strict=True)
        if wall := sum([each for each, cpu in both() if each is not None and cpu is not None]):
            cpus = [cpu for each, cpu in both() if each is not None and cpu is not None]
            shares.append(sum(cpus) / wall)
    return min(shares, default=None)


def flaw_of(cases: Iterable[CaseEntry]) -> str | None:
    """Count the cases that did not do the same work in both runs, None if all did."""
    counts = Counter(
        "not compared" if case.verdict is Verdict.NOT_VERIFIED else case.verdict.value
        for case in cases
        if case.verdict is not Verdict.EQUAL and not case.is_left_out
    )
    texts = [
        f"{counted(number, 'case')} {'is' if number == 1 else 'are'} {what}"
        for what, number in counts.items()
    ]
    return " and ".join(texts) or None


def _durations(cases: Iterable[CaseEntry]) -> list[float]:
    taken = [
        task.parallel if case.serial is None else case.serial
        for case in cases
        for task in case.repeats or (case,)
    ]
    return [seconds for seconds in taken if seconds is not None]
