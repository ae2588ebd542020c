"""The best suspicion where the time of a diagnosis was up, by the outcomes until then."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.causes import Cause
from .bench import ALONE
from .laboratory import Laboratory
from .resources import watch
from .threads import known_with_lock


def suspicion(lab: Laboratory, waiting: Sequence[str], why: str) -> Cause | None:
    """Return the cause that the known outcomes speak for; None if they do not speak for any.

    A cause is suspected only if its probe is among those `waiting`: what has run to its end has
    spoken already.
    """
    if lab.difference.is_threaded:
        locked = known_with_lock(lab)
        if locked is not None and lab.are_parallel([locked]) and not lab.are_serial([locked]):
            text = f"in threads it gives the parallel result, also one after the other; {why}"
            return _suspected(lab, waiting, "thread context", "THREAD_CONTEXT", text)
        if locked is not None and lab.are_serial([locked]):
            text = f"in threads it gives the serial result, one after the other; {why}"
            return _suspected(lab, waiting, "thread race", "THREAD_RACE", text)
    alone = [lab.known(one) for one in lab.series(ALONE)]
    outcomes = [outcome for by_seed in alone for outcome in by_seed.values()]
    if not outcomes or not lab.is_comparable(*outcomes):
        return None
    first = alone[0]
    if any(not lab.same(one, first[seed]) for again in alone[1:] for seed, one in again.items()):
        return _suspected(
            lab, waiting, "chance", "NONDETERMINISTIC_FUNCTION", f"two serial runs differ; {why}"
        )
    if any(not lab.same(one, first["1"]) for one in first.values() if "1" in first):
        text = f"two processes with different hash seeds give different results; {why}"
        return _suspected(lab, waiting, "hash seed", "HASH_SEED", text)
    if lab.are_serial(outcomes):
        return _of_the_parallel_result(lab, waiting, why)
    if lab.are_parallel(outcomes) and lab.difference.earlier:
        text = f"alone in a fresh process it gives the parallel result; {why}"
        return _suspected(lab, waiting, "serial order", "CASE_ORDER", text)
    return None


def _of_the_parallel_result(lab: Laboratory, waiting: Sequence[str], why: str) -> Cause | None:
    """Return what may make the parallel result, where the case alone gives the serial one."""
    right = "alone in a fresh process it gives the serial result"
    if lab.difference.is_threaded:
        text = f"{right}, in threads it gave another one; {why}"
        return _suspected(lab, waiting, "thread race", "THREAD_RACE", text)
    watched = [one.value for one in lab.known(watch(lab)).values()]
    if paths := [one for one in watched if isinstance(one, list) and one]:
        text = f"{right}, and it writes {paths[0][0]}; {why}"
        return _suspected(lab, waiting, "shared resource", "SHARED_RESOURCE_RACE", text)
    if lab.difference.earlier_in_worker:
        text = f"{right}, and its worker ran other cases before it; {why}"
        return _suspected(lab, waiting, "worker history", "WORKER_HISTORY", text)
    return None


def _suspected(
    lab: Laboratory, waiting: Sequence[str], probe: str, name: str, evidence: str
) -> Cause | None:
    return lab.cause(name, "", evidence, "") if probe in waiting else None
