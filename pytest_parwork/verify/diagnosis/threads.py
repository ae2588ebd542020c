"""Probes for what threads share, and for what each of them has of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...model.causes import Cause
from ...model.outcome import Outcome
from ...worker.calling import in_thread
from .bench import ALONE, Experiment, Side, outcome_of
from .laboratory import FORK, SEEDS, Laboratory
from .treatments import Together, in_thread_of_context

#: The details of the causes that are found here, without and with the context of the main thread.
OF_THREADS = ("", "context variables")

#: How often calls run at the same time in each process: a race is a matter of luck.
RACES = 5

#: How many of these that are wrong confirm it.
ENOUGH = 2

#: How often each of them runs each time, where all of them together take at most so many seconds.
ROUNDS, SHORT = 3, 0.05

#: Most tasks that run at the same time, the differing one among them.
MOST_TASKS = 8


def _inside(lab: Laboratory) -> list[Experiment]:
    return [
        lab.experiment("alone in a thread", treatment=in_thread),
        lab.experiment("alone in a thread, again", treatment=in_thread),
        lab.experiment("in a thread with the context", treatment=in_thread_of_context),
    ]


def _locked(lab: Laboratory, seeds: Sequence[str]) -> list[Experiment]:
    """Return the calls one after the other: twice in their order, and in the reverse one."""
    labels = ("run 1", "run 2", "backwards")
    found = [_together(lab, f"one after the other, {one}", seeds, is_locked=True) for one in labels]
    return [*found[:2], replace(found[2], tasks=found[2].tasks[::-1])]


def _raced(lab: Laboratory, seeds: Sequence[str]) -> list[Experiment]:
    return [
        _together(lab, f"at the same time, run {n}", seeds, is_locked=False)
        for n in range(1, RACES + 1)
    ]


def _together(lab: Laboratory, label: str, seeds: Sequence[str], *, is_locked: bool) -> Experiment:
    number = lab.difference.number
    others = lab.others(MOST_TASKS - 1, is_here=FORK in seeds)
    tasks = tuple(sorted([*others, number]))
    return Experiment(
        label=f"in threads, {label}",
        tasks=tasks * (ROUNDS if lab.seconds * len(tasks) <= SHORT else 1),
        together=Together(lab.workers, is_locked),
    )


def thread_context(lab: Laboratory) -> Cause | None:
    """Find out whether the result is another one in a thread, without any other thread."""
    if not lab.is_stable():
        return None
    alone = lab.alone()
    inside, again, with_context = (lab.outcomes(one) for one in _inside(lab))
    if not (lab.differ(inside, alone) and lab.are_same(inside, again)):
        return None
    lab.sides = (
        Side("in the main thread", lab.experiment(ALONE)),
        Side("in another thread", _inside(lab)[0]),
    )
    by_context = lab.are_same(with_context, alone)
    more = "; in a copy of the context of the main thread it gives the same" if by_context else ""
    return lab.cause(
        "THREAD_CONTEXT",
        OF_THREADS[by_context],
        f"a thread gives another result than the main thread, without any other thread{more}",
        "set in the case what it needs of its thread, or run it in contextvars.copy_context()",
        confirmed=True,
    )


def thread_race(lab: Laboratory) -> Cause | None:
    """Find out whether calls are right one after the other, and wrong at the same time."""
    return _race(lab, SEEDS[:1], SEEDS)


def race_in_fork(lab: Laboratory) -> Cause | None:
    """Find out the same in a fork of pytest's process, if the lock gives the serial result there.

    It has all that the case needs, and cannot be sent or takes long to import. A race for what is
    made only once is over there.
    """
    if not lab.same(_serial_with_lock(lab), lab.difference.expected):
        return None
    return _race(lab, [FORK], [FORK])


def _serial_with_lock(lab: Laboratory) -> Outcome:
    """Return the outcome of the case in a thread, after others and before others."""
    lab.in_fork(_locked(lab, [FORK])[:1])
    known = known_with_lock(lab)
    assert known is not None
    return known


def known_with_lock(lab: Laboratory) -> Outcome | None:
    """Return the same if that experiment was run."""
    first = _locked(lab, [FORK])[0]
    outcome = lab.known(first, [FORK]).get(FORK)
    parts = _parts(outcome) if outcome is not None else []
    return parts[first.tasks.index(lab.difference.number)] if parts else outcome


def _race(lab: Laboratory, few: Sequence[str], seeds: Sequence[str]) -> Cause | None:
    """Return the cause of wrong results at the same time; a rare one needs more runs."""
    first = _counted(lab, _raced(lab, few)[:ENOUGH], few)
    if first is None:
        return None
    is_ordered, wrong, runs = first
    if wrong < ENOUGH:  # it is rare
        if (all_of_them := _counted(lab, _raced(lab, seeds), seeds)) is None:
            return None
        is_ordered, wrong, runs = all_of_them
    if not wrong:
        return None
    more = "; one after the other, they depend on their order, too" if is_ordered else ""
    return lab.cause(
        "THREAD_RACE",
        "",
        f"right when a lock lets the calls run one after the other in their threads, wrong in "
        f"{wrong} of {runs} runs when they run at the same time{more}",
        "do not share what the calls change: one object for each call, or a lock around its use",
        confirmed=wrong >= ENOUGH and not is_ordered,
    )


def _counted(
    lab: Laboratory, raced: Sequence[Experiment], seeds: Sequence[str]
) -> tuple[bool, int, int] | None:
    """Return whether calls depend on their order, how many runs at the same time are wrong, of all.

    None stands for calls that are not the same each time when they run one after the other; in a
    fork of pytest's process also for those that depend on their order, which confirm nothing.
    """
    locked = _locked(lab, seeds)
    lab.measure(locked, seeds)
    rights, again, backwards = (
        [_parts(one) for one in lab.outcomes(experiment, seeds)] for experiment in locked
    )
    if not all(_agree(lab, *pair) for pair in zip(rights, again, strict=True)):
        return None
    # If the results depend on the order, those of threads may differ by that.
    is_ordered = not all(
        _agree(lab, parts[::-1], right) for parts, right in zip(backwards, rights, strict=True)
    )
    if is_ordered and FORK in seeds:
        return None
    lab.measure(raced, seeds)
    wrong = 0
    for experiment in raced:
        for right, outcome in zip(rights, lab.outcomes(experiment, seeds), strict=True):
            parts = _parts(outcome)
            wrong += len(parts) == len(right) and not _agree(lab, parts, right)
    return is_ordered, wrong, len(raced) * len(seeds)


def _parts(together: Outcome) -> list[Outcome]:
    """Return the outcomes of tasks that ran together, none if they did not end."""
    pairs = together.value
    return [outcome_of(*pair) for pair in pairs] if isinstance(pairs, list) else []


def _agree(lab: Laboratory, some: list[Outcome], others: list[Outcome]) -> bool:
    if not some or len(some) != len(others):
        return False
    return lab.are_same(some, others)
