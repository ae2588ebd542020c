"""The processes in which experiments run: new interpreters, and forks of pytest's process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from ...backends.protocol import Backend
from ...machine.clock import now
from ...machine.forking import unsafe_threads
from ...machine.surroundings import environment
from ...model.errors import BackendError
from ...model.outcome import Lost, Outcome
from ...runner import Rerun
from ...runner.outcomes import Outcomes
from ...runner.station import Station
from .bench import Bench, Done, Experiment

#: The backend that starts a new interpreter, and that which forks this one for a task.
FRESH, FORKED = "isolated:spawn", "isolated:fork"

#: Interpreters that a diagnosis may start; forks of them, one for each experiment, do not count.
MOST_STARTS = 12

#: Seconds for a process to report what it has found when its time is up, and to be ended then.
REPORTING = 0.15

#: An experiment with its outcome, None if that is the one without its treatment, and its seconds.
Found = Iterator[tuple[Experiment, Outcome | None, float]]


class ExhaustedError(Exception):
    """The budget of a diagnosis is used up."""


class Interpreters:
    """New interpreters by hash seed, each of which stays and forks for each experiment.

    All have the task `number`, and these `tasks`; others only if they are asked for.
    """

    def __init__(
        self, rerun: Rerun, find: Callable[[str], Backend], number: int, tasks: Iterable[int]
    ) -> None:
        self._rerun = rerun
        self._find = find
        self._number = number
        self._usual = set(tasks)
        self._starts = 0
        self._known: dict[str, tuple[Station, Sequence[int]]] = {}

    def of(self, seed: str, wanted: Iterable[int]) -> tuple[Station, Sequence[int]]:
        """Return the process for a hash seed, `1` or `1 again`, and the tasks that it has.

        It is started if there is none with these tasks. Raises `ExhaustedError` for one too many.
        """
        if seed in self._known:
            if set(wanted) <= set(self._known[seed][1]):
                return self._known[seed]
            self._known.pop(seed)[0].close()
        if self._starts >= MOST_STARTS:
            raise ExhaustedError(f"in a new process with the hash seed {seed}")
        self._starts += 1
        # The process is named after its first task, as pytest names the test that runs.
        tasks = [self._number, *sorted({*self._usual, *wanted} - {self._number})]
        with environment({"PYTHONHASHSEED": seed.partition(" ")[0]}):
            self._known[seed] = self._rerun.station(tasks, self._find(FRESH)), tasks
        return self._known[seed]

    def close(self) -> None:
        """End all of them."""
        while self._known:
            self._known.popitem()[1][0].close()


def run_in_new_process(station: Station, bench: Bench) -> Found:
    """Run experiments in a new interpreter; those for which there is no time are left out."""
    try:
        found = station.ask(bench, bench.until + REPORTING)
    except BackendError as error:
        return _without(bench, str(error))
    return _outcomes(bench, found)


def run_in_fork(rerun: Rerun, find: Callable[[str], Backend], bench: Bench, number: int) -> Found:
    """Run experiments in a fork of this process; none where a lock of a thread could block it."""
    if threads := unsafe_threads():
        why = f"pytest's process cannot be forked, because of its threads {threads}"
        return _without(bench, why)
    timeout = max(REPORTING, bench.until + REPORTING - now())
    run = rerun.run_in_fork(number, bench, find(FORKED), timeout=timeout)
    assert isinstance(run.outcomes, Outcomes)
    try:
        outcome = run.outcomes.load(0, timeout)
    finally:
        run.outcomes.close()
    if outcome.lost is not None and outcome.lost.reason == "timeout":
        return iter(())
    if outcome.kind != "value":
        failure, lost = outcome.failure, outcome.lost
        why = f"{failure.type}: {failure.text}" if failure is not None else "it has no result"
        return _without(bench, why if lost is None else lost.detail)
    return _outcomes(bench, outcome.value)


def _outcomes(bench: Bench, found: object) -> Found:
    given_back = found if isinstance(found, list) else []
    for experiment, given in zip(bench.experiments, given_back, strict=False):
        done = Done(*given)
        if done.packed is not None:
            yield experiment, done.packed.load(), done.seconds
        elif done.is_idle:
            yield experiment, None, 0.0
        else:
            yield experiment, _lost("it did not end in time, or its process died"), done.seconds


def _without(bench: Bench, why: str) -> Found:
    return iter([(one, _lost(why), 0.0) for one in bench.experiments])


def _lost(why: str) -> Outcome:
    return Outcome(kind="lost", lost=Lost(reason="backend", detail=why))
