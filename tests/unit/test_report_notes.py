"""What is said of a run, in its row of times and below it."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent
from typing import Any

import pytest
from support.report_samples import CRASH, MEAN, cases, fib, first, run, section, shown

from pytest_parwork.model.causes import Cause
from pytest_parwork.model.comparison import Note
from pytest_parwork.model.outcome import Verdict
from pytest_parwork.model.work import Budget, Scope
from pytest_parwork.report.data import RunReport
from pytest_parwork.report.entries import FILTERS, SKIPPED, CaseEntry
from pytest_parwork.report.notes import notes


def notes_of(entry: RunReport, *, verbosity: int = 0) -> list[str]:
    return [line.text.strip() for line in section(entry, verbosity=verbosity).lines[2:]]


def test_notes_are_data_for_any_rendering() -> None:
    wrong = {"verdict": Verdict.DIFFERENT, "mismatches": (MEAN,), "mismatch_count": 1}
    found = [(note.severity, note.kind) for note in notes(run(first(1, cases(4), **wrong)))]
    assert found == [("error", "different"), ("info", "setting")]
    (setting, bound) = notes(fib())
    assert (setting.severity, setting.kind) == ("info", "setting")
    assert (bound.kind, bound.text, round(bound.reached or 0, 2)) == ("bound", "bound 2.00x", 0.87)
    (unmet, *_) = notes(run(cases(4, workers=1)))
    assert (unmet.severity, unmet.kind) == ("warning", "not-exercised")
    assert len(unmet.text) > 64, "a note is not wrapped"
    kinds = [note.kind for note in notes(run(cases(4), threads=1), is_verbose=True)]
    assert kinds[-2:] == ["detail", "detail"]


def test_a_cause_is_named_below_what_differs() -> None:
    wrong = {"verdict": Verdict.DIFFERENT, "mismatches": (MEAN,), "mismatch_count": 1}
    causes = (
        Cause(name="GLOBAL_RNG", detail="numpy.random", confirmed=True, remedy="use parwork_seed"),
        Cause(name="WORKER_HISTORY"),
    )
    entry = run(first(2, cases(4), **wrong), causes=causes)
    assert notes_of(entry)[:3] == [
        "2 DIFFERENT at ['mean']",
        "cause: GLOBAL_RNG (numpy.random), confirmed; use parwork_seed",
        "cause: WORKER_HISTORY, suspected",
    ]
    marked = [s.markup for line in section(entry).lines for s in line.segments if "cause" in s.text]
    assert marked == [("red",), ("red",)]


def test_values_and_outcomes_are_counted_apart() -> None:
    lines = section(run(first(2, cases(6), compared="outcomes"))).lines
    assert "4 values equal" in lines[1].text
    assert lines[2].text.strip() == "2 outcomes equal (no value returned)"


def test_failures_and_skips_that_are_equal_are_not_called_values() -> None:
    failed = cases(5, outcome="failure", compared="outcomes")
    assert "  5 failures equal" in section(run(failed)).lines[1].text
    assert run(failed).compared == "outcomes"
    assert "exact" not in shown(run(failed))
    skipped = first(2, failed, outcome="skip")
    assert notes_of(run(skipped))[0] == "2 skips equal"
    mixed = [*failed, *(replace(case, index=case.index + 5) for case in cases(3))]
    assert "  3 values equal" in section(run(mixed)).lines[1].text
    assert notes_of(run(mixed))[0] == "5 failures equal"
    assert run(mixed).compared == "values", "no return was forgotten"
    assert section(run(failed)).title.text == "parwork: 1 workload, all equal to serial"


def test_an_interrupted_run_names_what_was_running() -> None:
    def lost(*seconds: float) -> dict[str, Any]:
        tries = [{"pid": 7, "seconds": each, "is_alone": False} for each in seconds]
        detail = "the session was interrupted"
        return CRASH | {"lost": {"reason": "interrupted", "detail": detail, "tries": tries}}

    members = cases(6)
    entry = run(
        [
            replace(members[0], **lost(1450.0)),
            replace(members[1], **lost(0.31)),
            *(replace(case, **lost()) for case in members[2:5]),
            members[5],
        ]
    )
    assert " ".join(notes_of(entry)).startswith(
        "5 LOST, the session was interrupted; running: test_fib[0] for 24m10s, test_fib[1] for "
        "0.31s; 3 had not started"
    )


def test_a_workload_that_is_too_slow_is_counted_in_the_title() -> None:
    verdict = "TOO SLOW: speed-up 1.20x, at least 1.3x is required"
    slow_one, other = run(cases(4), too_slow=verdict), run(cases(4), id="other")
    assert notes_of(slow_one)[0] == verdict
    title = section(slow_one, other).title
    assert (title.text, title.markup[0]) == ("parwork: 2 workloads, 1 run TOO SLOW", "red")
    wrong = run(first(1, cases(4), verdict=Verdict.DIFFERENT), id="wrong")
    title = section(slow_one, other, wrong).title
    assert title.text == "parwork: 3 workloads, 1 case DIFFERENT, 1 TOO SLOW"


@pytest.mark.parametrize(
    ("wrong", "flaw"),
    [
        ({"verdict": Verdict.DIFFERENT}, "2 cases are DIFFERENT"),
        (CRASH, "2 cases are LOST"),
        ({"verdict": Verdict.NOT_VERIFIED, "why": "set-up failed"}, "2 cases are not compared"),
    ],
)
def test_a_speed_up_over_cases_that_may_have_failed_early_says_about(
    wrong: dict[str, Any], flaw: str
) -> None:
    entry = run(first(2, cases(4), **wrong), wall=2.5)
    assert entry.timing.flaw == flaw
    assert not entry.timing.reliable
    assert "x" in section(entry).lines[1].text.rpartition("~")[2]


@pytest.mark.parametrize("why", ["verify=0.5", SKIPPED])
def test_cases_that_were_not_to_run_twice_are_no_flaw(why: str) -> None:
    members = first(2, cases(4), verdict=Verdict.NOT_VERIFIED, why=why)
    assert run(members, wall=2.5).timing.flaw is None


def test_a_speed_up_that_cannot_be_is_not_measured() -> None:
    entry = run(cases(4), wall=0.9)
    assert entry.timing.flaw == "4.44x is more than 2 workers can give"
    assert section(entry).lines[1].text.endswith(" ~4.44x")
    assert notes_of(entry)[-1] == "no measure of speed: 4.44x is more than 2 workers can give"
    assert run(cases(4), wall=1.4).timing.flaw is None, "the serial run may have filled caches"


def test_what_was_not_verified_is_counted_in_words() -> None:
    members = first(3, cases(5), verdict=Verdict.NOT_VERIFIED, serial=None, why="verify=0.4")
    skipped = CaseEntry(id="s", verdict=Verdict.NOT_VERIFIED, why=SKIPPED)
    entry = run([*members, skipped, replace(skipped, id="t")])
    assert notes_of(entry)[:2] == ["3 not verified: verify=0.4", "2 skipped"]


def test_an_estimated_speed_up_says_about() -> None:
    members = first(2, cases(4), verdict=Verdict.NOT_VERIFIED, serial=None)
    assert section(run(members, wall=2.5)).lines[1].text.endswith(" ~1.60x")


def test_a_run_of_skipped_cases_has_no_times() -> None:
    skipped = CaseEntry(id="s", verdict=Verdict.NOT_VERIFIED, why=SKIPPED)
    assert shown(run([skipped], facts=())) == dedent("""\
        ======================== parwork: 1 workload, 1 skipped ========================
        test_fib.py::test_fib               serial   parallel  start-up  speed-up
          joblib-auto   0 values equal           -          -         -         -
                        1 skipped
        """)


def test_long_ids_and_labels_have_lines_of_their_own() -> None:
    entry = run(
        cases(8, serial=0.5, parallel=0.5),
        id="tests/numerics/linear_algebra/test_svd.py::TestSvd::test_values",
        backend="multiprocessing:forkserver",
        start_method="forkserver",
        wall=2.5,
    )
    assert [line.text for line in section(entry).lines[:4]] == [
        "tests/numerics/linear_algebra/test_svd.py::TestSvd::test_values",
        "                                    serial   parallel  start-up  speed-up",
        "  multiprocessing:forkserver-2",
        "                8 values equal       4.00s      2.50s     0.30s     1.60x",
    ]


def test_an_id_wider_than_the_terminal_loses_its_start() -> None:
    heading = section(run(cases(2), id="tests/" * 20 + "test_a.py::test_b")).lines[0].text
    assert len(heading) == 80
    assert heading.startswith("...")
    assert heading.endswith("test_a.py::test_b")


def test_runs_of_one_workload_share_its_heading() -> None:
    lines = section(fib(), fib(configuration_id="threads-2")).lines
    assert [line.text.split()[0] for line in lines] == [
        "test_fib.py::test_fib",
        "joblib-2",
        "exact;",
        "bound",
        "threads-2",
        "exact;",
        "bound",
    ]


def test_equal_labels_are_distinguished_by_their_ids() -> None:
    lines = section(fib(), fib(configuration_id="joblib-2")).lines
    assert [lines[row].text.split()[0] for row in (1, 4)] == ["joblib-auto", "joblib-2"]


def test_one_long_case_is_shown_as_the_bound_and_not_as_a_hint() -> None:
    long = {"serial": 4.0, "parallel": 4.0, "interval": (0.0, 0.0, 4.0)}
    entry = run(first(1, cases(2, serial=0.01, parallel=0.01), **long), wall=4.1)
    assert notes_of(entry)[1] == "bound 1.00x  [###############################-] 98 % reached"


def test_cases_that_take_longer_alongside_others_are_said_to_slow_each_other_down() -> None:
    entry = run(cases(8, serial=0.5, parallel=1.1), backend="threads", wall=4.4)
    assert " ".join(notes_of(entry)[1:]) == (
        "a case takes 0.50s serially and 1.10s alongside others: the cases slow each other down"
    )


def test_a_bound_that_was_beaten_is_not_capped() -> None:
    entry = run(cases(8, serial=0.6, parallel=0.5), wall=2.3)
    assert notes_of(entry)[1] == f"bound 2.00x  [{'#' * 32}] 104 % reached"


def test_under_xdist_no_speed_is_claimed() -> None:
    entry = run(cases(4), xdist=True, wall=9.0)
    assert section(entry).lines[1].text.endswith(" -")
    assert notes_of(entry)[1] == "no speed-up: xdist shared the cases among its processes"


@pytest.mark.parametrize(
    ("number", "fields", "why"),
    [
        (1, {}, "a single case cannot overlap with another; parametrize the test."),
        (4, {"granted": 1}, "there was only one worker; ask for 2 or more."),
        (4, {}, "1 worker ran all 4 cases."),
    ],
)
def test_not_exercised_says_why(number: int, fields: dict[str, Any], why: str) -> None:
    text = " ".join(notes_of(run(cases(number, workers=1), **fields)))
    assert text.startswith(f"NOT EXERCISED: {why} Equal proves nothing here. exact; ")


def test_values_of_a_wide_fixture_with_one_case_each_are_reported() -> None:
    single = [replace(case, run=case.id) for case in cases(3)]
    facts = tuple(replace(run(single).facts[0], run=case.id, granted=1) for case in single)
    skipped = [CaseEntry(id=id, verdict=Verdict.NOT_VERIFIED, why=SKIPPED) for id in "st"]
    text = " ".join(notes_of(run([*single, *skipped], facts=facts)))
    assert text.startswith(
        "NOT EXERCISED: each of the 3 cases ran on its own, because each has its own value of a "
        "fixture wider than function scope; give the fixture function scope, or parametrize the "
        "test further. Equal"
    )


@pytest.mark.parametrize("scope", ["function", "module"])
def test_cases_whose_marks_have_different_filters_are_reported(scope: Scope) -> None:
    single = [replace(case, run=case.id) for case in cases(2)]
    facts = tuple(
        replace(run(single).facts[0], run=case.id, granted=1, fixtures=fixtures)
        for case, fixtures in zip(single, ((), (FILTERS,)), strict=True)
    )
    text = " ".join(notes_of(replace(run(single, facts=facts), scope=scope)))
    assert text.startswith(
        "NOT EXERCISED: each of the 2 cases ran on its own, because no two have the same marks "
        "with warning filters, which all threads share; use a backend with processes. Equal"
    )


def test_a_cap_of_one_worker_is_named_as_the_reason() -> None:
    source = "capped by PARWORK_MAX_WORKERS=1"
    budget = Budget(workers=1, source=source, cpus=8, is_capped=True)
    text = " ".join(notes_of(run(cases(4, workers=1), granted=1, budget=budget)))
    assert text.startswith(f"NOT EXERCISED: there was only one worker, {source}; allow 2 or more.")


@pytest.mark.parametrize(
    ("cpus", "limit", "advice"),
    [
        (1, "cgroup limit", " 4 workers on 1 usable CPU (cgroup limit): try workers=2."),
        (3, "", " 4 workers on 3 usable CPUs: try workers=3."),
        (4, "affinity", ""),
    ],
)
def test_more_workers_than_cpus_give_advice_where_cases_did_not_overlap(
    cpus: int, limit: str, advice: str
) -> None:
    budget = Budget(workers=4, source="4 asked for", cpus=cpus, cpus_limit=limit)
    text = " ".join(notes_of(run(cases(4, workers=1), granted=4, budget=budget)))
    assert f" Equal proves nothing here.{advice} exact; " in text
    assert "try workers" not in " ".join(notes_of(run(cases(4), granted=4, budget=budget)))


def test_a_cap_is_always_shown_and_other_sources_only_with_verbose() -> None:
    capped = Budget(workers=2, source="capped by PARWORK_MAX_WORKERS=2", cpus=8, is_capped=True)
    entry = run(cases(4), budget=capped)
    for verbosity in (0, 1):
        text = " ".join(notes_of(entry, verbosity=verbosity))
        assert text.startswith("exact; 2 of 2 workers, capped by PARWORK_MAX_WORKERS=2, together")
        assert text.count("capped") == 1
    plain = run(cases(4), budget=Budget(workers=2, source="2 asked for", cpus=8))
    assert "2 asked for" not in " ".join(notes_of(plain))
    assert "workers: 2 asked for" in notes_of(plain, verbosity=1)


def test_two_workers_that_took_turns_did_not_overlap() -> None:
    members = [replace(c, interval=(c.index, c.index, c.index + 1.0)) for c in cases(2)]
    text = " ".join(notes_of(run(members)))
    assert text.startswith("NOT EXERCISED: no two cases were in workers at the same time.")


def test_several_paths_and_reasons_show_the_first() -> None:
    wrong = cases(2, verdict=Verdict.DIFFERENT)
    wrong = [replace(c, mismatches=(replace(MEAN, path=f"[{c.index}]"),)) for c in wrong]
    gone = [
        replace(
            c, id=f"g{c.index}", **CRASH | {"lost": {"reason": "crash", "detail": f"d{c.index}"}}
        )
        for c in cases(2)
    ]
    assert notes_of(run([*wrong, *gone]))[:2] == ["2 DIFFERENT, first at [0]", "2 LOST, first: d0"]


def test_verbose_adds_the_workers_shares_and_what_is_missing() -> None:
    entry = run(cases(5), expected=9, threads=1)
    assert notes_of(entry, verbosity=1)[-3:] == [
        "cases by worker: 3, 2",
        "1 native thread each, as in the serial run",
        "5 of 9 cases: too few to judge whether they overlapped",
    ]


def test_a_narrow_terminal_wraps_the_notes() -> None:
    notes = section(run(cases(4, workers=1)), width=60).lines[2:]
    assert max(len(line.text) for line in notes) <= 60


def test_the_colours_are_kept_apart_from_the_text_and_are_names_of_the_terminal_writer() -> None:
    wrong = {"verdict": Verdict.DIFFERENT, "mismatches": (MEAN,), "mismatch_count": 1}
    made = section(run(first(1, cases(4), **wrong), wall=9.0))
    marked = {s.text.strip(): s.markup for line in made.lines for s in line.segments if s.markup}
    assert marked == {
        "test_fib.py::test_fib": ("bold",),
        "3 values equal": ("green",),
        "SLOWER": ("yellow",),
        "1 DIFFERENT at ['mean']": ("red",),
    }


def test_the_section_is_ascii() -> None:
    wrong = {"verdict": Verdict.DIFFERENT, "mismatches": (MEAN,), "mismatch_count": 1}
    everything = [fib(), run(first(1, first(2, cases(9), **wrong), **CRASH), wall=20.0)]
    assert shown(*everything, verbosity=1).isascii()


def test_differences_on_a_single_worker_are_reported_as_such() -> None:
    members = [
        replace(case, verdict=Verdict.DIFFERENT, mismatches=(MEAN,), mismatch_count=1)
        if case.worker == 2
        else case
        for case in cases(4)
    ]
    assert len({case.worker for case in members}) == 2
    assert "2 DIFFERENT at ['mean'], all on worker 2" in notes_of(run(members))


def test_notes_are_shown_once_per_kind_and_all_of_them_with_v() -> None:
    found = (
        Note(path="['a']", kind="dict-order", text="keys moved"),
        Note(path="", kind="identity", text="one object"),
    )
    first, second, third = cases(3)
    entry = run([first, replace(second, notes=found), replace(third, notes=found[:1])])
    assert [text for text in notes_of(entry) if text.startswith("note:")] == [
        "note: test_fib[1] at ['a']: keys moved (first of 2 cases)",
        "note: test_fib[1]: one object",
    ]
    shown = [text for text in notes_of(entry, verbosity=1) if text.startswith("note:")]
    assert shown[2:] == ["note: test_fib[2] at ['a']: keys moved"]


def test_what_is_not_explained_is_not_suspected_of_anything() -> None:
    assert str(Cause(name="UNEXPLAINED")) == "UNEXPLAINED"
    assert str(Cause(name="WORKER_HISTORY")) == "WORKER_HISTORY, suspected"


def test_a_busy_machine_is_shown_with_cpu_seconds_beside_the_others() -> None:
    members = cases(2, serial_cpu=0.5, parallel_cpu=0.45)
    text = " ".join(notes_of(run(members, waiting=0.4)))
    assert "busy machine: tasks of this machine waited for a CPU 40 % of the time" in text
    assert "serial 2.00s (1.00s CPU), in workers 2.00s (0.90s CPU)" in text
    assert "busy" not in " ".join(notes_of(run(members, waiting=0.1)))
