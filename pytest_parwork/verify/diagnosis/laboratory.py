"""The experiments of a diagnosis: when they run, what they gave, and what that is the same as."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from ...backends.protocol import Backend
from ...machine.clock import now
from ...model.causes import Cause
from ...model.dataclass import dataclass
from ...model.outcome import Outcome
from ...runner import Rerun
from ...transport.payload import Around
from .bench import ALONE, Bench, Experiment, Side
from .difference import Difference
from .processes import REPORTING, ExhaustedError, Interpreters, run_in_fork, run_in_new_process

#: A case that takes at most so many seconds alone is cheap: the start of a process takes longer.
CHEAP = 0.2

#: A case that takes so many seconds takes longer than the imports that it may cause.
LONG = 1.0

#: An experiment may take so many times as long as the case alone; second: for each further task.
TIMES, MORE = 5.0, 2.0

#: In place of a hash seed: the process is a fork of pytest's own, with all that it has.
FORK = "a fork of pytest's process"

#: Every experiment runs in two processes, which have different hash seeds.
SEEDS = ("1", "2")

#: Seconds that an experiment may take at least.
LEAST = 2.0

#: How often it runs alone, in as many forks of a process (second: if it takes long): in two, a coin
#: that shows the same side in both processes would look like a result that does not change.
REPEATS, FEW = 5, 3

#: Other tasks that every process has, whether or not an experiment needs them.
NEIGHBOURS = 8

#: How often an experiment runs in each process before it confirms a cause of unstable results.
MOST_REPEATS = 20

#: The likelihood of a confirmed cause, were chance alone at work.
DOUBT = 0.001


@dataclass(slots=True, kw_only=True)
class Laboratory:
    """Runs experiments on the tasks around a difference, and compares what they give.

    `names` are the names of the tasks, `function` is what the case calls, `workers` the number of
    workers of the run. `find` returns a backend by name, `deadline` is when the diagnosis must have
    ended. `log` names the experiments that were run, `sides` are the two that show the cause.
    `within` changes each experiment that is made: all run in the same circumstances.
    """

    difference: Difference
    rerun: Rerun
    names: Sequence[str]
    function: Callable[..., object] | None
    workers: int
    find: Callable[[str], Backend]
    deadline: float
    log: list[str] = field(default_factory=list)
    sides: tuple[Side, Side] | None = None
    within: Callable[[Experiment], Experiment] = lambda experiment: experiment
    _found: dict[tuple[str, str], Outcome] = field(default_factory=dict)
    _compared: dict[tuple[int, int], tuple[Outcome, Outcome, bool]] = field(default_factory=dict)
    _fresh: Interpreters | None = None
    _seconds: float = 0.0

    @property
    def is_cheap(self) -> bool:
        """Whether experiments on the case take less time than the start of their process."""
        return self.seconds <= CHEAP

    @property
    def seconds(self) -> float:
        """The seconds of the case: alone in a fresh process it may take longer than it did."""
        return max(self.difference.own_seconds, self._seconds)

    def experiment(self, label: str, earlier: Sequence[int] = (), **how: Any) -> Experiment:
        """Return an experiment that runs these tasks and then the differing one."""
        usable = [one for one in earlier if one not in self.rerun.unavailable]
        tasks = *usable, self.difference.number
        return self.within(Experiment(label=label, tasks=tasks, **how))

    def measure(self, experiments: Sequence[Experiment], seeds: Sequence[str] = SEEDS) -> None:
        """Run those experiments that have no outcome yet, in a process for each hash seed.

        Raises `ExhaustedError` where the budget is used up.
        """
        for seed in seeds:
            missing = [one for one in experiments if (one.label, seed) not in self._found]
            if missing:
                self._run(missing, seed)

    def outcomes(self, experiment: Experiment, seeds: Sequence[str] = SEEDS) -> list[Outcome]:
        """Return the outcomes of an experiment, one of each process."""
        self.measure([experiment], seeds)
        return [self._found[experiment.label, seed] for seed in seeds]

    def known(self, experiment: Experiment, seeds: Sequence[str] = SEEDS) -> Mapping[str, Outcome]:
        """Return the outcomes of an experiment that it has already, by hash seed."""
        keys = ((one, (experiment.label, one)) for one in seeds)
        return {one: self._found[key] for one, key in keys if key in self._found}

    def in_fork(self, experiments: Sequence[Experiment]) -> list[Outcome]:
        """Return the outcomes of experiments in a fork of pytest's process."""
        self.measure(experiments, [FORK])
        return [self._found[one.label, FORK] for one in experiments]

    def alone(self) -> list[Outcome]:
        """Return the outcomes of the case alone in a fresh process."""
        return self.outcomes(self.experiment(ALONE))

    def series(self, label: str, *, count: int = REPEATS, **how: Any) -> list[Experiment]:
        """Return an experiment several times, each of them in a fork of its own."""
        labels = (label, *(f"{label}, run {n}" for n in range(2, count + 1)))
        return [self.experiment(one, **how) for one in labels]

    def repeats(self) -> list[list[Outcome]]:
        """Return the outcomes of the case alone in several forks of each process."""
        count = REPEATS if self.is_cheap else FEW
        return [self.outcomes(one) for one in self.series(ALONE, count=count)]

    def is_stable(self) -> bool:
        """Return whether the case alone gives the same in all forks of a process."""
        return all(self.are_same(self.alone(), again) for again in self.repeats()[1:])

    def is_in_question(self) -> bool:
        """Return whether a fresh process gives the parallel result each time, not the serial one.

        Then what matters is something that pytest's process has, and the workers do not.
        """
        alone = self.alone()
        return self.is_stable() and self.are_parallel(alone) and not self.are_serial(alone)

    def is_unstable(self) -> bool:
        """Return whether the case alone gives different results in forks of a process."""
        repeats = self.repeats()
        return not self.is_stable() and all(self.is_comparable(*each) for each in repeats)

    def is_settled(self, label: str, treatment: Around) -> bool:
        """Return whether a treatment makes an unstable result the same, and not by luck.

        Both ways are repeated until results that change as often as those without the treatment
        would hardly ever be the same so often.
        """
        twice = self.series(label, count=2, treatment=treatment)
        if not self.are_same(*(self.outcomes(one, SEEDS[:1]) for one in twice)):
            return False
        for count in (REPEATS, MOST_REPEATS):
            treated = self.series(label, count=count, treatment=treatment)
            free = self.series(ALONE, count=count)
            self.measure([*treated, *free])
            if self._changes(treated):
                return False
            pairs = len(SEEDS) * (count - 1)
            if (1 - self._changes(free) / pairs) ** pairs < DOUBT:
                return True
        return False

    def _changes(self, experiments: Sequence[Experiment]) -> int:
        """Return how often an experiment differs from the one before it, in all processes."""
        found = [self.outcomes(one) for one in experiments]
        return sum(
            not self.same(*pair)
            for later, before in zip(found[1:], found, strict=False)
            for pair in zip(later, before, strict=True)
        )

    def are_same(self, some: Sequence[Outcome], others: Sequence[Outcome]) -> bool:
        """Return whether two experiments give the same, in each of the processes."""
        return all(self.same(*pair) for pair in zip(some, others, strict=True))

    def differ(self, some: Sequence[Outcome], others: Sequence[Outcome]) -> bool:
        """Return whether two experiments give something else, in each of the processes."""
        return all(
            self.is_comparable(*pair) and not self.same(*pair)
            for pair in zip(some, others, strict=True)
        )

    def same(self, actual: Outcome, expected: Outcome) -> bool:
        """Return whether two outcomes of the case are the same by its policy."""
        if not self.is_comparable(actual, expected):
            return False
        key = id(actual), id(expected)
        if key not in self._compared:  # probes ask again and again; both are kept for their ids
            self._compared[key] = actual, expected, self.difference.are_same(actual, expected)
        return self._compared[key][2]

    def is_comparable(self, *outcomes: Outcome) -> bool:
        """Return whether all are outcomes of the case, and not of our way to run it."""
        return all(one.kind in ("value", "failure", "skip") for one in outcomes)

    def each(
        self, are_so: Callable[[Sequence[Outcome]], bool], experiments: Sequence[Experiment]
    ) -> bool:
        """Return whether all outcomes are so in all processes; the first that is not ends it."""
        return bool(experiments) and all(
            are_so(self.outcomes(one, [seed])) for seed in SEEDS for one in experiments
        )

    def are_serial(self, outcomes: Sequence[Outcome]) -> bool:
        """Return whether all outcomes are that of the serial run."""
        return all(self.same(one, self.difference.expected) for one in outcomes)

    def are_parallel(self, outcomes: Sequence[Outcome]) -> bool:
        """Return whether all outcomes are that of the parallel run."""
        return all(self.same(one, self.difference.actual) for one in outcomes)

    def named(self, tasks: Sequence[int]) -> str:
        """Name tasks in a text."""
        shown = ", ".join(self.names[number].rpartition("::")[2] for number in tasks[:3])
        return f"{shown} and {len(tasks) - 3} more" if len(tasks) > 3 else shown

    def cause(
        self, name: str, detail: str, evidence: str, remedy: str, *, confirmed: bool = False
    ) -> Cause:
        """Return a cause of the difference, with the experiments until now."""
        return Cause(
            name=name,
            detail=detail,
            confirmed=confirmed,
            cases=(self.difference.id,),
            evidence=evidence,
            remedy=remedy,
            probes=tuple(self.log),
        )

    def start(self, seeds: Sequence[str] = SEEDS) -> None:
        """Start the processes for hash seeds now, so that they start at the same time."""
        for seed in seeds:
            if now() < self.deadline and (ALONE, seed) not in self._found:
                self._interpreters().of(seed, ())

    def close(self) -> None:
        """End all processes."""
        if self._fresh is not None:
            self._fresh.close()
            self._fresh = None

    def others(self, most: int, *, is_here: bool = False) -> Sequence[int]:
        """Return other tasks that can be run again, the first ones; `is_here`, in a fork."""
        missing = () if is_here else self.rerun.unavailable
        usable = (n for n in range(len(self.names)) if n not in missing)
        return [n for n in usable if n != self.difference.number][:most]

    def _run(self, experiments: Sequence[Experiment], seed: str) -> None:
        until = self.deadline - 2 * REPORTING  # and to end the processes
        if now() >= until:
            raise ExhaustedError(experiments[0].label)
        self.log += [one.label for one in experiments if one.label not in self.log]
        number = self.difference.number
        wanted = {number, *(task for one in experiments for task in one.all_tasks)}
        station, tasks = (None, ()) if seed == FORK else self._interpreters().of(seed, wanted)
        is_first, usual = experiments[0].is_plain, max(LEAST, TIMES * self.seconds)
        bench = Bench(
            experiments=tuple(experiments),
            places={task: place for place, task in enumerate(tasks)},
            limit=max(usual, (until - now()) / 2) if is_first else usual,
            until=until,
            more=MORE * self.seconds,
            originals=self.rerun.tasks if seed == FORK else (),
            is_first=is_first and self.difference.own_seconds < LONG,
        )
        if station is None:
            found = run_in_fork(self.rerun, self.find, bench, number)
        else:
            found = run_in_new_process(station, bench)
        missing = list(experiments)
        for experiment, outcome, seconds in found:
            missing.remove(experiment)
            if experiment.is_plain and not self._seconds:
                self._seconds = seconds  # once: what depends on it must not change
            if outcome is None:  # there was nothing to change
                (outcome,) = self.outcomes(self.experiment(ALONE), [seed])
            self._found[experiment.label, seed] = outcome
        if missing:
            raise ExhaustedError(missing[0].label)

    def _interpreters(self) -> Interpreters:
        if self._fresh is None:
            one = self.difference
            usual = (*one.earlier, *one.earlier_in_worker, *one.earlier_in_threads)
            usable = [n for n in usual if n not in self.rerun.unavailable]
            tasks = {one.number, *usable, *self.others(NEIGHBOURS)}
            self._fresh = Interpreters(self.rerun, self.find, one.number, tasks)
        return self._fresh
