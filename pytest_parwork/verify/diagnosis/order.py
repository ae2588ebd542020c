"""Probes for what earlier cases leave behind: in the worker, in the serial run, in arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ...model.causes import Cause
from .bench import ALONE, Experiment, Side
from .laboratory import Laboratory
from .polluters import after as after_cases
from .polluters import smallest

#: How often each order is tried in each process: a result that changes now and then may be the
#: wanted one by luck.
TWICE = 2

SHARED, SEPARATE = "the same arguments", "arguments of their own"


def in_worker(lab: Laboratory) -> list[Experiment]:
    """Return the case after those that its worker ran before it; nothing if it was the first.

    Threads share the process, so that these are the cases of all threads; and arguments, too.
    """
    is_threaded = lab.difference.is_threaded
    return _after(lab, next(_histories(lab)), is_sharing=is_threaded)


class _History(NamedTuple):
    """Earlier cases, what they are in a label, and where they leave what they leave."""

    earlier: tuple[int, ...]
    label: str
    place: str


def _histories(lab: Laboratory) -> Iterator[_History]:
    """Yield what ran before a case in its process, and what ran before it in its own thread."""
    one = lab.difference
    if not one.is_threaded:
        label = "after the cases that its worker ran before it"
        yield _History(one.earlier_in_worker, label, "their process")
        return
    label = "after the cases that started before it in threads"
    yield _History(one.earlier_in_worker, label, "the process")
    if one.earlier_in_thread != one.earlier_in_worker:
        label = "after the cases that its thread ran before it"
        yield _History(one.earlier_in_thread, label, "their thread")


def _after(lab: Laboratory, history: _History, *, is_sharing: bool) -> list[Experiment]:
    earlier, label, _ = history
    if lab.difference.is_threaded:
        label = f"{label}, with {SHARED if is_sharing else SEPARATE}"
    if not earlier:
        return []
    return lab.series(label, count=TWICE, earlier=earlier, is_sharing=is_sharing)


def _serially(lab: Laboratory) -> list[Experiment]:
    earlier = lab.difference.earlier
    label = "after the cases that ran before it serially, with"
    if not earlier:
        return []
    return [
        *lab.series(f"{label} {SHARED}", count=TWICE, earlier=earlier, is_sharing=True),
        *lab.series(f"{label} {SEPARATE}", count=TWICE, earlier=earlier),
    ]


def _after_threads(lab: Laboratory) -> list[Experiment]:
    """Return the case after all that ran in threads, and after those that ran serially before it.

    All of them are in the process where the serial run of the case was.
    """
    earlier = (*lab.difference.earlier_in_threads, *lab.difference.earlier)
    label = "after all cases that ran in threads, and serially before it"
    return lab.series(label, count=TWICE, earlier=earlier) if earlier else []


def poisoned_reference(lab: Laboratory) -> Cause | None:
    """Find out whether cases that ran in threads make the serial result, by what they leave."""
    if not lab.is_in_question():
        return None
    after = _after_threads(lab)
    if not lab.each(lab.are_serial, after):
        return None
    return lab.cause(
        "CASE_ORDER",
        "reference",
        "the cases that ran in threads have changed the result of the serial run after them: alone "
        "in a fresh process it is another one, and after the same cases it is that of the serial "
        "run, without any threads, too",
        "reset the state that the cases leave, or make it each time anew",
        confirmed=True,
    )


def worker_history(lab: Laboratory) -> Cause | None:
    """Find out whether the cases before it in its worker make the parallel result."""
    if not lab.is_stable() or any(lab.are_parallel([one]) for one in lab.alone()):
        return None
    found = (_history_of(lab, history) for history in _histories(lab))
    return next((cause for cause in found if cause is not None), None)


def _history_of(lab: Laboratory, history: _History) -> Cause | None:
    is_threaded = lab.difference.is_threaded
    after = _after(lab, history, is_sharing=is_threaded)
    if not lab.each(lab.are_parallel, after):
        return None
    if is_threaded:
        separate = _after(lab, history, is_sharing=False)
        if not lab.each(lab.are_parallel, separate):
            return _changed_argument(lab, after, separate)
    culprits = smallest(lab, history.earlier, lab.are_parallel, is_sharing=is_threaded)
    _note_sides(lab, culprits, is_sharing=is_threaded)
    return lab.cause(
        "WORKER_HISTORY",
        "",
        f"earlier cases change the result in {history.place}: alone it is another one, after "
        f"{lab.named(culprits)} it is that of the worker",
        "reset the state that these cases leave, or make it each time anew",
        confirmed=True,
    )


def serial_order(lab: Laboratory) -> Cause | None:
    """Find out whether the cases before it in the serial run make the serial result.

    They may leave something in the process, or in an argument that they share with it.
    """
    if not lab.is_stable() or any(lab.are_serial([one]) for one in lab.alone()):
        return None
    experiments = _serially(lab)
    shared, separate = experiments[:TWICE], experiments[TWICE:]
    if not lab.each(lab.are_serial, shared):
        return None
    if not lab.each(lab.are_serial, separate):
        return _changed_argument(lab, shared, separate)
    culprits = smallest(lab, lab.difference.earlier, lab.are_serial)
    _note_sides(lab, culprits)
    return lab.cause(
        "CASE_ORDER",
        "",
        f"the serial result needs earlier cases in the same process: alone it is another one, "
        f"after {lab.named(culprits)} it is that of the serial run",
        "set up in each case what it needs",
        confirmed=True,
    )


def _note_sides(lab: Laboratory, culprits: Sequence[int], *, is_sharing: bool = False) -> None:
    after = after_cases(lab, culprits, is_sharing=is_sharing)
    name = f"after {lab.named(culprits)}"
    lab.sides = Side("alone", lab.experiment(ALONE)), Side(name, after)


def _changed_argument(
    lab: Laboratory, shared: Sequence[Experiment], separate: Sequence[Experiment]
) -> Cause | None:
    """Return the cause of a result that copies of the arguments change, if they always do."""
    pairs = zip(map(lab.outcomes, separate), map(lab.outcomes, shared), strict=True)
    if not all(lab.differ(*pair) for pair in pairs):
        return None
    lab.sides = Side("with shared arguments", shared[0]), Side("with copies", separate[0])
    return lab.cause(
        "INPUT_MUTATION",
        "",
        "an earlier case changes an argument that both share: with a copy for each case the result "
        "is another one",
        "copy an argument before changing it",
        confirmed=True,
    )
