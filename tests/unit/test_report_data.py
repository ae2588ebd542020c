"""What follows for a run from its cases, and how its pieces come together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.report_samples import cases, interval, run
from support.report_samples import entry as part

from pytest_parwork.model.causes import Cause
from pytest_parwork.model.outcome import Verdict
from pytest_parwork.model.work import Budget
from pytest_parwork.report.data import RunEntry, RunReport, collect, summarise
from pytest_parwork.report.entries import SKIPPED, CaseEntry, RunFacts
from pytest_parwork.report.repeats import Repeat


def skipped(index: int) -> CaseEntry:
    return CaseEntry(id=f"skip{index}", verdict=Verdict.NOT_VERIFIED, index=index, why=SKIPPED)


def with_verdicts(*verdicts: Verdict) -> RunReport:
    members = cases(len(verdicts))
    return run([replace(c, verdict=v) for c, v in zip(members, verdicts, strict=True)])


# verdict and exercised


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [
        ((Verdict.EQUAL, Verdict.EQUAL), Verdict.EQUAL),
        ((Verdict.EQUAL, Verdict.NOT_VERIFIED), Verdict.NOT_VERIFIED),
        ((Verdict.NOT_VERIFIED, Verdict.DIFFERENT, Verdict.EQUAL), Verdict.DIFFERENT),
        ((Verdict.DIFFERENT, Verdict.LOST), Verdict.LOST),
    ],
)
def test_the_verdict_of_a_run_is_its_worst(verdicts: tuple[Verdict, ...], worst: Verdict) -> None:
    assert with_verdicts(*verdicts).verdict is worst


def test_a_run_that_was_not_exercised_is_worse_than_one_not_verified() -> None:
    members = [replace(c, verdict=Verdict.NOT_VERIFIED) for c in cases(4, workers=1)]
    assert run(members).verdict is Verdict.NOT_EXERCISED


def test_a_difference_is_worse_than_not_exercised() -> None:
    members = [replace(c, verdict=Verdict.DIFFERENT) for c in cases(4, workers=1)]
    assert run(members).exercised is False
    assert run(members).verdict is Verdict.DIFFERENT


def test_a_skipped_case_leaves_the_run_equal() -> None:
    assert run([*cases(4), skipped(4)]).verdict is Verdict.EQUAL


def test_a_run_of_skipped_cases_is_not_verified_and_not_judged() -> None:
    entry = run([skipped(0), skipped(1)], facts=())
    assert entry.verdict is Verdict.NOT_VERIFIED
    assert entry.exercised is None


def test_cases_that_met_in_two_workers_are_exercised() -> None:
    entry = run(cases(4))
    assert entry.exercised is True
    assert (entry.workers_used, entry.peak_overlap, entry.together) == (2, 2, 1.0)


def test_one_worker_exercises_nothing() -> None:
    assert run(cases(4, workers=1)).exercised is False


def test_two_workers_one_after_the_other_exercise_nothing() -> None:
    members = [replace(c, interval=interval(c.index, 1.0)) for c in cases(4)]
    entry = run(members)
    assert (entry.workers_used, entry.peak_overlap, entry.exercised) == (2, 1, False)


def test_tasks_in_workers_hands_at_once_are_exercised_though_they_never_ran_together() -> None:
    first, second = cases(2)
    entry = run(
        [replace(first, interval=(0.0, 0.1, 0.2)), replace(second, interval=(0.1, 0.2, 0.3))]
    )
    assert entry.exercised is True
    assert entry.together == 0


def test_a_complete_workload_of_one_case_is_not_exercised() -> None:
    assert run(cases(1)).exercised is False


def test_a_part_of_the_cases_is_not_judged() -> None:
    assert run(cases(4), expected=5).exercised is None
    assert run(cases(4, workers=1), expected=5).verdict is Verdict.EQUAL


def test_an_unknown_number_of_cases_is_not_judged() -> None:
    assert run(cases(4), expected=None).exercised is None


def test_a_skipped_case_counts_as_present() -> None:
    assert run([*cases(4), skipped(4)], expected=5).exercised is True
    assert run([*cases(1), skipped(1)], expected=2).exercised is False


def test_workers_of_different_runs_do_not_meet() -> None:
    first = cases(1, run="a")
    second = [replace(c, id="other", worker=2, run="b") for c in cases(1)]
    entry = run([*first, *second])
    assert (entry.workers_used, entry.peak_overlap, entry.exercised) == (1, 1, False)


def test_one_run_of_several_that_met_is_enough() -> None:
    alone = [replace(c, id="other", run="b") for c in cases(1)]
    assert run([*cases(2), *alone]).exercised is True


@pytest.mark.parametrize("runs", ["ab", "ba"])
def test_peak_and_workers_are_those_of_the_run_with_the_most(runs: str) -> None:
    wide, narrow = cases(6, workers=3, run=runs[0]), cases(1, run=runs[1])
    entry = run([*wide, *(replace(case, id="other") for case in narrow)])
    assert (entry.workers_used, entry.peak_overlap) == (3, 3)


def test_under_xdist_cases_that_did_not_meet_are_not_judged() -> None:
    assert run(cases(4, workers=1), xdist=True).exercised is None
    assert run(cases(4), xdist=True).exercised is True


def test_one_case_without_a_value_makes_it_a_comparison_of_outcomes() -> None:
    values = cases(3)
    assert run(values).compared == "values"
    assert run([*values[:2], replace(values[2], compared="outcomes")]).compared == "outcomes"


# timing


def test_the_timing_of_a_verified_run() -> None:
    timing = run(cases(10), wall=6.25, startup=0.5).timing
    assert (timing.serial, timing.parallel, timing.startup) == (10, 6.25, 0.5)
    assert (timing.speedup, timing.efficiency) == (1.6, 0.8)
    assert (timing.bound, timing.bound_share) == (5, 0.8)
    assert timing.reliable


def test_a_verified_share_is_taken_for_the_others_and_is_not_reliable() -> None:
    members = cases(10)
    members = members[:5] + [replace(c, serial=None) for c in members[5:]]
    timing = run(members, wall=5.0).timing
    assert timing.serial == 5
    assert timing.speedup == 2
    assert not timing.reliable


def test_a_case_that_is_several_tasks_counts_as_so_much_work_and_meets_itself() -> None:
    (case,) = cases(1)
    spans = [interval(0.0, 1.0), interval(0.0, 1.0), interval(1.0, 2.0)]
    tasks = tuple(
        Repeat(verdict=Verdict.EQUAL, parallel=span[2] - span[1], worker=worker, interval=span)
        for span, worker in zip(spans, (1, 2, 1), strict=True)
    )
    found = run([replace(case, repeats=tasks)], wall=2.0, expected=1)
    assert (found.timing.serial, found.timing.speedup) == (1, 1.5)
    assert (found.timing.bound, found.shares) == (1.5, ((2, 1),))
    assert (found.workers_used, found.peak_overlap, found.exercised) == (2, 2, True)
    assert found.timing.reliable


def test_without_a_serial_run_there_is_a_bound_and_no_speed_up() -> None:
    timing = run(cases(10, serial=None), wall=6.25).timing
    assert timing.serial is timing.speedup is timing.efficiency is None
    assert (timing.bound, timing.bound_share) == (5, 0.8)
    assert not timing.reliable


def test_the_share_of_the_bound_may_exceed_one() -> None:
    timing = run(cases(10, serial=2.0), wall=5.0).timing
    assert timing.bound_share == 2


def test_a_lost_case_makes_the_speed_up_unreliable() -> None:
    members = cases(4)
    members[0] = replace(
        members[0],
        verdict=Verdict.LOST,
        lost={"reason": "crash", "detail": "x"},
        serial=None,
        parallel=None,
        interval=None,
    )
    timing = run(members, wall=2.0).timing
    assert timing.speedup == 1.5
    assert not timing.reliable


def test_xdist_makes_the_speed_up_unreliable() -> None:
    assert not run(cases(4), xdist=True).timing.reliable


def test_runs_follow_one_another_each_with_its_own_bound() -> None:
    second = [replace(c, id=f"b{c.index}", run="b") for c in cases(1)]
    facts = tuple(
        RunFacts(run=name, wall=1.0, startup=0.5, granted=2, start_method="fork") for name in "ab"
    )
    timing = run([*cases(2), *second], facts=facts).timing
    assert (timing.parallel, timing.startup, timing.bound) == (2, 1, 2)


def test_without_a_run_there_are_no_times() -> None:
    entry = run([skipped(0)], facts=())
    assert set(vars_of(entry.timing).values()) == {None, False}
    assert (entry.granted, entry.start_method, entry.label) == (0, "", "joblib-auto")


def test_a_run_that_got_no_worker_has_no_times() -> None:
    assert run(cases(1), granted=0).timing.parallel is None


def test_the_budget_is_that_of_the_run_with_the_most_workers() -> None:
    made = {
        workers: RunFacts(
            run=str(workers),
            wall=1.0,
            startup=0.5,
            granted=workers,
            start_method="fork",
            budget=Budget(workers=workers, source=f"{workers} tasks", cpus=8),
        )
        for workers in (2, 3, 1)
    }
    budget = run(cases(2), facts=tuple(made.values())).budget
    assert budget is made[3].budget
    assert run(cases(2), facts=()).budget is None


def test_the_label_tells_the_workers_that_were_granted() -> None:
    assert run(cases(2), granted=16).label == "joblib-16"


def vars_of(timing: object) -> dict[str, object]:
    return {name: getattr(timing, name) for name in type(timing).__slots__}  # type: ignore[attr-defined]


# parts


def parts_of(whole: RunEntry) -> list[RunEntry]:
    return [replace(whole, cases=(case,)) for case in whole.cases]


def test_parts_in_any_order_make_the_run() -> None:
    whole = part(cases(5))
    assert collect(reversed(parts_of(whole))) == (summarise(whole),)


def test_runs_keep_the_order_of_their_first_arrival() -> None:
    first, second = part(cases(2)), part(cases(2), configuration_id="threads-2")
    parts = (*parts_of(first)[:1], *parts_of(second), *parts_of(first)[1:])
    assert collect(parts) == (summarise(first), summarise(second))


def test_of_a_case_that_comes_twice_the_last_stays() -> None:
    whole = part(cases(2))
    again = replace(whole.cases[0], verdict=Verdict.DIFFERENT)
    (made,) = collect([whole, replace(whole, cases=(again,))])
    assert made.cases == (again, whole.cases[1])


def test_of_no_parts_there_is_no_run() -> None:
    assert collect([]) == ()


def test_causes_of_all_parts_are_kept_each_once_and_the_first_is_the_cause() -> None:
    rng = Cause(name="GLOBAL_RNG", detail="numpy.random", confirmed=True)
    history = Cause(name="WORKER_HISTORY")
    whole = part(cases(1), causes=(rng,))
    (made,) = collect([whole, replace(whole, causes=(history, rng))])
    assert made.causes == (rng, history)
    assert made.cause == rng
    assert run(cases(1)).cause is None


# intervals


def test_intervals_are_relative_to_the_first_arrival_of_the_run() -> None:
    first, second = cases(2)
    first = replace(first, interval=(12.0, 12.5, 13.0), serial_interval=(9.0, 10.0))
    second = replace(second, interval=(11.0, 11.0, 12.0))
    made = run([second, first])
    assert made.origin == 11.0
    assert made.since_origin(first.interval) == (1.0, 1.5, 2.0)
    assert made.since_origin(first.serial_interval) == (-2.0, -1.0)
    assert made.since_origin(None) is None


def test_a_run_in_which_nothing_arrived_has_no_origin() -> None:
    made = run([replace(c, interval=None) for c in cases(2)])
    assert made.origin is None
    assert made.since_origin((1.0, 2.0)) is None


# CPU seconds


@pytest.mark.parametrize(
    ("waiting", "serial", "parallel", "is_crowded"),
    [
        pytest.param(0.4, 0.5, 0.5, True, id="both were kept waiting"),
        pytest.param(0.4, 1.0, 0.5, True, id="the workers were kept waiting"),
        pytest.param(0.4, 1.0, 0.95, False, id="both had their CPUs"),
        pytest.param(0.4, 3.0, 3.0, False, id="native threads had theirs"),
        pytest.param(0.9, 0.01, 0.01, False, id="they sleep"),
        pytest.param(0.2, 0.5, 0.5, False, id="the machine was free, so they wait by themselves"),
        pytest.param(None, 0.5, 0.5, False, id="the system does not count"),
        pytest.param(0.4, None, None, False, id="CPU seconds are unknown"),
    ],
)
def test_a_run_is_crowded_if_others_had_the_cpus_that_its_cases_needed(
    waiting: float | None, serial: float | None, parallel: float | None, is_crowded: bool
) -> None:
    entry = run(cases(2, serial_cpu=serial, parallel_cpu=parallel), waiting=waiting)
    assert entry.timing.is_crowded is is_crowded
    assert entry.timing.serial_cpu == (None if serial is None else 2 * serial)
    assert entry.timing.in_workers == 2.0
    assert entry.timing.waiting == waiting
