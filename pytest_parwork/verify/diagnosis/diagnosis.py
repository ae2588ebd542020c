"""The diagnosis of a difference: probes in the order of their priors, until one is sure."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeAlias

from ...model.causes import Cause
from ...model.errors import ParworkError
from ...model.outcome import Outcome
from .bench import ALONE
from .chance import chance, global_generator, hash_seed, source_of_system
from .laboratory import SEEDS, Laboratory
from .order import in_worker, poisoned_reference, serial_order, worker_history
from .parting import with_parting
from .processes import ExhaustedError
from .resources import shared_resource
from .serialization import lost_input, lost_output
from .state import context, global_state, isolation
from .suspicion import suspicion
from .threads import OF_THREADS, race_in_fork, thread_context, thread_race

#: Returns the cause that its experiments speak for, None if they do not.
Probe: TypeAlias = Callable[[Laboratory], Cause | None]

#: Experience says that order and state of a process come before anything else (Gruber et al. 2021:
#: 59 % of flaky Python tests depend on their order), and random generators explain both.
PROBES: tuple[Probe, ...] = (
    global_generator,
    source_of_system,
    worker_history,
    serial_order,
    context,
    global_state,
    lost_output,
    lost_input,
    shared_resource,
    hash_seed,
    isolation,
    chance,
)

#: On threads, what is shared or has one value for each thread explains most.
PROBES_OF_THREADS: tuple[Probe, ...] = (
    global_generator,
    source_of_system,
    thread_context,
    worker_history,
    serial_order,
    poisoned_reference,
    thread_race,
    context,
    chance,
)

#: Seconds of a diagnosis: at least, at most, and for each second of both runs.
LEAST, MOST, TIMES = 5.0, 30.0, 5.0


def budget(seconds: float) -> float:
    """Return the seconds that a diagnosis may take, for those of both runs of the workload."""
    return min(MOST, max(LEAST, TIMES * seconds))


def diagnose(lab: Laboratory) -> tuple[Cause, ...]:
    """Return the causes of a difference, confirmed ones first; `UNEXPLAINED` if there is none.

    No experiment runs in this process, and none changes a verdict.
    """
    if not hasattr(os, "fork"):
        return (_unexplained(lab, "its experiments need os.fork(), which this system lacks"),)
    try:
        if why := lab.rerun.unavailable.get(lab.difference.number):
            return _in_fork_only(lab, f"the case cannot be run again: {why}")
        return _by_probes(lab)
    finally:
        lab.close()


def _in_fork_only(lab: Laboratory, why: str) -> tuple[Cause, ...]:
    """Return the cause of a case that only pytest's process can run, and so a fork of it."""
    cause = None
    if lab.difference.is_threaded:
        with suppress(ExhaustedError, ParworkError, OSError):
            cause = race_in_fork(lab)
    return (cause or _unexplained(lab, why),)


def _by_probes(lab: Laboratory) -> tuple[Cause, ...]:
    probes = PROBES_OF_THREADS if lab.difference.is_threaded else PROBES
    found: list[Cause] = []
    waiting = list(probes)
    end = ""
    try:
        if lab.difference.is_threaded:
            # A race is the cause as often as all others, and needs no new process. None starts
            # meanwhile: what it imports would slow down the forks.
            cause = race_in_fork(lab)
            if cause is not None and cause.confirmed:
                found.append(cause)
                return (cause, *_poisoned(lab, found))
        if lab.is_cheap:
            lab.start()
        lab.outcomes(lab.experiment(ALONE), SEEDS[:1])
        if lab.difference.is_threaded and not lab.is_cheap:
            # Nor does it need more than one, and the budget may not suffice for more.
            cause = thread_race(lab)
            if cause is not None and cause.confirmed:
                found.append(cause)
                return (cause, *_poisoned(lab, found))
        if not lab.is_comparable(*lab.alone()):
            return (_unexplained(lab, f"alone in a fresh process: {_absence(lab.alone())}"),)
        while waiting:
            lab.sides = None
            cause = waiting[0](lab)
            waiting.pop(0)
            if cause is not None:
                found.append(cause)
                if cause.confirmed:
                    break
        if found:
            found[-1] = with_parting(lab, found[-1])
        if not found and (vanished := _unreproduced(lab)):
            return (vanished,)
        end = _conclusion(lab)
        if lab.difference.is_threaded:
            found += _poisoned(lab, found)
    except ExhaustedError as error:
        return _exhausted(lab, found, [name_of(probe) for probe in waiting], str(error))
    except (ParworkError, OSError, ValueError) as error:
        end = f"its experiments could not be run: {error}"
    found.sort(key=lambda cause: not cause.confirmed)  # stable: else in their order
    return tuple(found) or (_unexplained(lab, end),)


def name_of(probe: Probe) -> str:
    """Return the name of a probe in texts: that of its function, in words."""
    return probe.__name__.replace("_", " ")


def _exhausted(
    lab: Laboratory, found: Sequence[Cause], waiting: Sequence[str], experiment: str
) -> tuple[Cause, ...]:
    """Return the causes until the time was up, or the best suspicion; with what did not run."""
    why = f"the time of the diagnosis was up before the experiment: {experiment}"
    causes = found or [suspicion(lab, waiting, why) or _unexplained(lab, why)]
    left = () if any(cause.confirmed for cause in causes) else tuple(waiting)
    return tuple(replace(cause, not_run=left) for cause in causes)


def _poisoned(lab: Laboratory, found: Sequence[Cause]) -> list[Cause]:
    """Return the cause of a serial result that a fresh process does not give, if it is so."""
    # These name a difference between threads; all others explain the serial result themselves.
    is_open = all(one.name.startswith("THREAD_") and one.detail in OF_THREADS for one in found)
    if not is_open or any(
        lab.are_serial(lab.outcomes(lab.experiment(ALONE), [seed])) for seed in SEEDS
    ):
        return []  # one process is enough to see that it is not
    if not (lab.is_stable() if lab.is_cheap else lab.same(*lab.alone())):
        return []
    evidence = "the serial run gave another result than two fresh processes: threads may have"
    return [lab.cause("REFERENCE_POISONED", "", f"{evidence} spoilt what it uses", "")]


def _unreproduced(lab: Laboratory) -> Cause | None:
    """Return the cause of a parallel result that no experiment has given again."""
    if not (lab.is_stable() and lab.are_serial(lab.alone())):
        return None
    again = [lab.outcomes(one) for one in in_worker(lab)]
    if not all(lab.are_serial(one) for one in again):
        return None
    after = ", and after the cases that its worker ran before it" if again else ""
    return lab.cause(
        "UNREPRODUCED",
        "",
        f"the parallel result did not come again: alone in fresh processes{after}, it gives the "
        f"serial result each time",
        "repeat=20 runs each case more often, which makes what is rare more likely",
    )


def _conclusion(lab: Laboratory) -> str:
    """Say what the case gives alone in a fresh process, where nothing explains the difference."""
    if not lab.is_stable():
        return "two serial runs in forks of a fresh process differ at times"
    if lab.are_serial(lab.alone()):
        return "alone in a fresh process it gives the serial result"
    if lab.are_parallel(lab.alone()):
        return "alone in a fresh process it gives the parallel result"
    return "alone in a fresh process it gives neither result"


def _absence(outcomes: Sequence[Outcome]) -> str:
    for outcome in outcomes:
        if outcome.lost is not None:
            return outcome.lost.detail
        if outcome.not_sent is not None:
            return outcome.not_sent.detail
    return "it has no result"


def _unexplained(lab: Laboratory, why: str) -> Cause:
    return lab.cause("UNEXPLAINED", "", why, "")
