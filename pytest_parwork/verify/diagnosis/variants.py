"""The diagnosis of code that is parallel itself: a variant and its reference, each on its own."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ...model.causes import Cause
from ...model.errors import ParworkError
from ...model.outcome import Outcome
from .bench import ALONE, Experiment
from .chance import SEEDED, chance, generator_experiments, global_generator, source_of_system
from .dependence import dependence, suspected
from .laboratory import Laboratory
from .parting import with_parting
from .processes import ExhaustedError
from .treatments import Seeded
from .varied import FIRST, REFERENCE, Setting, on_threads, references, result

#: How often each runs; second, where that takes long.
TIMES, TWICE = 3, 2


def diagnose_variant(lab: Laboratory, setting: Setting) -> tuple[Cause, ...]:
    """Return the causes of a difference between a variant and its reference."""
    if why := next((lab.rerun.unavailable[n] for n in sorted(lab.rerun.unavailable)), ""):
        return (lab.cause("UNEXPLAINED", "", f"the case cannot be run again: {why}", ""),)
    try:
        lab.start(FIRST)
        return tuple(_causes(lab, setting))
    except ExhaustedError as error:
        why = f"the time of the diagnosis was up before the experiment: {error}"
        return (suspected(lab, setting, why),)
    except (ParworkError, OSError, ValueError) as error:
        why = f"its experiments could not be run: {error}"
    finally:
        lab.close()
    return (lab.cause("UNEXPLAINED", "", why, ""),)


def _causes(lab: Laboratory, setting: Setting) -> Iterable[Cause]:
    results, expected = _alone_on_threads(lab, setting) or _alone(lab)
    if not lab.is_comparable(*results, *expected):
        missing = next(one for one in (*results, *expected) if not lab.is_comparable(one))
        why = missing.lost.detail if missing.lost is not None else "it has no result"
        return [lab.cause("UNEXPLAINED", "", f"alone in a fresh process: {why}", "")]
    is_stable = _is_one(lab, results)
    if not _is_one(lab, expected):
        return _unstable_reference(lab, setting)
    if not is_stable:
        return [_race(lab, setting, results, expected[0])]
    if lab.same(results[0], expected[0]):
        return [_history(lab, setting)]
    return [dependence(lab, setting, results[0], expected[0])]


def _alone(lab: Laboratory) -> tuple[list[Outcome], list[Outcome]]:
    """Return what the variant gives alone, and what its reference gives, each several times."""
    times = TIMES if lab.is_cheap else TWICE
    variants, standards = lab.series(ALONE, count=times), references(lab, times)
    lab.measure([*variants, *standards], FIRST)
    return [result(lab, one) for one in variants], [result(lab, one) for one in standards]


def _alone_on_threads(
    lab: Laboratory, setting: Setting
) -> tuple[list[Outcome], list[Outcome]] | None:
    """Return the same on joblib's threads, where these give what its processes have given.

    Then all further experiments run there. Else nothing is known by them.
    """
    if setting.inside or "joblib" not in sys.modules:
        return None
    lab.within = on_threads
    results, expected = _alone(lab)
    if lab.are_parallel(results) and lab.are_serial(expected):
        return results, expected
    lab.within = _as_it_is
    return None


def _as_it_is(experiment: Experiment) -> Experiment:
    return experiment


def _is_one(lab: Laboratory, outcomes: Sequence[Outcome]) -> bool:
    return all(lab.same(one, outcomes[0]) for one in outcomes)


def _unstable_reference(lab: Laboratory, setting: Setting) -> Iterable[Cause]:
    """Return the causes of results that differ without anything that is varied."""
    seeded = lab.series(SEEDED, treatment=Seeded(0, 0))
    lab.measure([*lab.series(ALONE), *generator_experiments(lab), *seeded])
    for probe in (global_generator, source_of_system, chance):
        if (cause := probe(lab)) is not None:
            return [with_parting(lab, cause)]
    return [
        lab.cause(
            "NONDETERMINISTIC_FUNCTION",
            "",
            f"{setting.reference} differs from itself in forks of one process, and so nothing that "
            f"is varied has to be the cause",
            "make it deterministic, or compare a property of it",
        )
    ]


def _race(
    lab: Laboratory, setting: Setting, results: Sequence[Outcome], expected: Outcome
) -> Cause:
    """Return the cause of a variant that differs from itself, as its reference does not.

    It is a race between threads for sure only where a single worker makes it right.
    """
    wrong = sum(not lab.same(one, expected) for one in results)
    evidence = (
        f"{setting.label} differs from itself, wrong in {wrong} of {len(results)} runs alone in a "
        f"fresh process, and {setting.reference} is the same each time"
    )
    alone = _with_one_worker(lab, setting)
    is_sure = bool(alone) and all(lab.same(result(lab, one), expected) for one in alone)
    evidence += "; with one worker it is right each time" if is_sure else ""
    return lab.cause(
        "THREAD_RACE" if is_sure or not setting.inside else "NONDETERMINISTIC_FUNCTION",
        "" if is_sure or not setting.inside else setting.inside,
        evidence,
        "do not share what the parallel parts change, or put a lock around its use",
        confirmed=is_sure and wrong > 1,
    )


def _with_one_worker(lab: Laboratory, setting: Setting) -> list[Experiment]:
    """Return a variant with a single thread, where what runs inside it is threads."""
    if not (setting.inside.endswith("threads") or setting.inside == "joblib:threading"):
        return []
    return [
        replace(lab.experiment(f"with one worker, run {n}"), tasks=(number,))
        for value, number in setting.others
        if value == 1
        for n in range(1, TIMES + 1)
    ]


def _history(lab: Laboratory, setting: Setting) -> Cause:
    """Return the cause of a variant that is right alone: what the reference has left before it."""
    after = [
        lab.experiment(f"after {setting.reference}, {what}, run {n}", [REFERENCE], is_sharing=share)
        for what, share in (("with the same arguments", True), ("with arguments of its own", False))
        for n in (1, 2)
    ]
    lab.measure(after, FIRST)
    alone = result(lab, lab.experiment(ALONE))
    shared, separate = (
        [result(lab, one) for one in after[:2]],
        [result(lab, one) for one in after[2:]],
    )
    # The arguments are what the calls in pytest's process have made of them: these results need not
    # be the same as there.
    if all(lab.differ([one], [alone]) for one in (*shared, *separate)):
        return lab.cause(
            "CASE_ORDER",
            "",
            f"alone in a fresh process, {setting.label} gives the result of {setting.reference}, "
            f"and after {setting.reference} another one: that leaves something behind",
            "reset the state that the body leaves, or make it each time anew",
            confirmed=True,
        )
    if all(lab.differ([one], [alone]) for one in shared) and _is_one(lab, [alone, *separate]):
        return lab.cause(
            "INPUT_MUTATION",
            "",
            f"{setting.reference} changes an argument that both share: with a copy for each, the "
            f"results are the same",
            "copy an argument before changing it",
            confirmed=True,
        )
    return lab.cause(
        "UNREPRODUCED",
        "",
        f"the differing result did not come again: alone in a fresh process, {setting.label} and "
        f"{setting.reference} give the same, each time",
        "",
    )
