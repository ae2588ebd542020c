"""The processes in which experiments run: new interpreters, and forks of pytest's process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ...backends.protocol import Backend
from ...machine.forking import unsafe_threads
from ...machine.surroundings import environment
from ...model.outcome import Lost, Outcome, Run
from ...model.work import Configuration
from ...runner import Rerun
from ...runner.outcomes import Outcomes
from .bench import Bench, Experiment

#: The backend that starts a new interpreter, and that which forks this one for a task.
FRESH, FORKED = "processes:spawn", "isolated:fork"

#: Seconds that a process has for its start and end, besides those of its experiments.
EXTRA = 2.0

#: An experiment, and its outcome.
Found = Iterator[tuple[Experiment, Outcome]]


def run_in_new_process(
    rerun: Rerun,
    find: Callable[[str], Backend],
    bench: Bench,
    tasks: Sequence[int],
    hash_seed: str,
) -> Found:
    """Run experiments in a new interpreter; `tasks` are those that they need, the first one too."""
    with environment({"PYTHONHASHSEED": hash_seed}):
        run = rerun.run_elsewhere(
            tasks[:1],
            find(FRESH),
            Configuration(backend=FRESH, workers=1),
            timeout=bench.seconds + EXTRA,
            around=bench,
            alongside=tasks[1:],
        )
    return _outcomes(run, bench)


def run_in_fork(rerun: Rerun, find: Callable[[str], Backend], bench: Bench, number: int) -> Found:
    """Run experiments in a fork of this process; none where a lock of a thread could block it."""
    if threads := unsafe_threads():
        detail = f"pytest's process cannot be forked, because of its threads {threads}"
        lost = Outcome(kind="lost", lost=Lost(reason="backend", detail=detail))
        return iter([(one, lost) for one in bench.experiments])
    timeout = bench.seconds + EXTRA
    run = rerun.run_in_fork(number, bench.run, find(FORKED), timeout=timeout)
    return _outcomes(run, bench)


def _outcomes(run: Run, bench: Bench) -> Found:
    assert isinstance(run.outcomes, Outcomes)
    try:
        outcome = run.outcomes.load(0, EXTRA)
    finally:
        run.outcomes.close()
    packed = outcome.value
    if not isinstance(packed, dict):
        packed = dict.fromkeys(range(len(bench.experiments)))
    for number, given in packed.items():
        yield bench.experiments[number], given.load() if given is not None else _without(outcome)


def _without(outcome: Outcome) -> Outcome:
    """Return the outcome of an experiment that did not end, or of all if their process failed."""
    if outcome.kind in ("lost", "not_sent"):
        return outcome
    failure = outcome.failure
    why = "it did not end in time, or its process died"
    if failure is not None:
        why = f"{failure.type}: {failure.text}"
    return Outcome(kind="lost", lost=Lost(reason="backend", detail=why))
