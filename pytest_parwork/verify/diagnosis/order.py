"""Probes for what earlier cases leave behind: in the worker, in the serial run, in arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...model.causes import Cause
from ...model.outcome import Outcome
from .bench import Experiment
from .laboratory import Laboratory

#: Most earlier cases that are tried one by one.
MOST_SINGLE = 20

#: How often each order is tried in each process: a result that changes now and then may be the
#: wanted one by luck.
TWICE = 2


def order_experiments(lab: Laboratory) -> list[Experiment]:
    """Return the experiments of all probes of this module."""
    return [*in_worker(lab), *_serially(lab)]


def in_worker(lab: Laboratory) -> list[Experiment]:
    """Return the case after those that its worker ran before it; nothing if it was the first."""
    earlier = lab.difference.earlier_in_worker
    label = "after the cases that its worker ran before it"
    return lab.series(label, count=TWICE, earlier=earlier) if earlier else []


def _serially(lab: Laboratory) -> list[Experiment]:
    earlier = lab.difference.earlier
    label = "after the cases that ran before it serially, with"
    if not earlier:
        return []
    return [
        *lab.series(f"{label} the same arguments", count=TWICE, earlier=earlier, is_sharing=True),
        *lab.series(f"{label} arguments of their own", count=TWICE, earlier=earlier),
    ]


def worker_history(lab: Laboratory) -> Cause | None:
    """Find out whether the cases before it in its worker make the parallel result."""
    if not lab.is_stable() or any(lab.are_parallel([one]) for one in lab.alone()):
        return None
    after = in_worker(lab)
    if not after or not all(lab.are_parallel(lab.outcomes(one)) for one in after):
        return None
    culprits = _reduced(lab, lab.difference.earlier_in_worker, lab.are_parallel)
    return lab.cause(
        "WORKER_HISTORY",
        "",
        f"earlier cases change the result in their process: alone it is another one, after "
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
    found = [lab.outcomes(one) for one in _serially(lab)]
    shared, separate = found[:TWICE], found[TWICE:]
    if not found or not all(map(lab.are_serial, shared)):
        return None
    if all(map(lab.are_serial, separate)):
        culprits = _reduced(lab, lab.difference.earlier, lab.are_serial)
        return lab.cause(
            "CASE_ORDER",
            "",
            f"the serial result needs earlier cases in the same process: alone it is another one, "
            f"after {lab.named(culprits)} it is that of the serial run",
            "set up in each case what it needs",
            confirmed=True,
        )
    if not all(lab.differ(*pair) for pair in zip(separate, shared, strict=True)):
        return None
    return lab.cause(
        "INPUT_MUTATION",
        "",
        "an earlier case changes an argument that both share: with a copy for each case the result "
        "is another one",
        "copy an argument before changing it",
        confirmed=True,
    )


def _reduced(
    lab: Laboratory, earlier: Sequence[int], is_so: Callable[[Sequence[Outcome]], bool]
) -> Sequence[int]:
    """Return a single earlier case that suffices, the latest one; else all of them."""
    latest = list(reversed(earlier[-MOST_SINGLE:]))
    if len(earlier) < 2:
        return earlier
    tried = [lab.experiment(f"after {lab.named([one])}", [one]) for one in latest]
    lab.measure(tried)
    found = (n for n, one in zip(latest, tried, strict=True) if is_so(lab.outcomes(one)))
    single = next(found, None)
    return earlier if single is None else [single]
