"""The terminal section and its title, as full texts at 80 columns."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent
from typing import Any

import pytest
from support.report_samples import (
    CRASH,
    MEAN,
    cases,
    entry,
    fib,
    first,
    report,
    run,
    section,
    shown,
)

from pytest_parwork.model.outcome import Verdict
from pytest_parwork.report.data import RunReport, summarise
from pytest_parwork.report.entries import RunFacts
from pytest_parwork.report.plain import PlainEntry
from pytest_parwork.report.terminal import render

# the pictures of the design


def test_all_equal() -> None:
    assert shown(fib()) == dedent("""\
        =================== parwork: 1 workload, all equal to serial ===================
        test_fib.py::test_fib               serial   parallel  start-up  speed-up
          joblib-2      35 values equal      4.03s      2.31s     0.31s     1.74x
                        exact; 2 of 2 workers, together 94 % of the time
                        bound 2.00x  [############################----] 87 % reached
        """)


def test_outcomes_equal_says_that_no_value_was_returned() -> None:
    assert shown(fib(compared="outcomes")) == dedent("""\
        ==== parwork: 1 workload, all equal to serial, 35 compared by outcome only =====
        test_fib.py::test_fib               serial   parallel  start-up  speed-up
          joblib-2      35 outcomes equal    4.03s      2.31s     0.31s     1.74x
                        no value returned; 2 of 2 workers, together 94 % of the time
                        bound 2.00x  [############################----] 87 % reached
        """)


def test_values_differ() -> None:
    wrong = {"verdict": Verdict.DIFFERENT, "mismatches": (MEAN,), "mismatch_count": 1}
    members = first(5, cases(8, serial=0.15, parallel=0.15), **wrong)
    assert shown(run(members, id="test_pi.py::test_pi", wall=0.66)) == dedent("""\
        ==================== parwork: 1 workload, 5 cases DIFFERENT ====================
        test_pi.py::test_pi                 serial   parallel  start-up  speed-up
          joblib-2      3 values equal       1.20s      0.66s     0.30s    ~1.82x
                        5 DIFFERENT at ['mean']
                        exact; 2 of 2 workers, together 100 % of the time
        """)


def test_a_crash() -> None:
    entry = run(
        first(1, cases(40, serial=0.8, workers=4), **CRASH),
        id="test_mesh.py::test_mesh",
        backend="processes",
        start_method="fork",
        granted=4,
        wall=9.02,
        startup=0.06,
    )
    assert shown(entry) == dedent("""\
        ======================= parwork: 1 workload, 1 case LOST =======================
        test_mesh.py::test_mesh             serial   parallel  start-up  speed-up
          processes-4   39 values equal     31.20s      9.02s     0.06s    ~3.46x
                        1 LOST, its worker died of SIGSEGV (signal 11), twice
                        exact; 4 of 4 workers by fork, together 100 % of the time
        """)


def test_not_exercised() -> None:
    entry = run(
        cases(8, serial=0.0011, parallel=0.0012, workers=1),
        id="test_norm.py::test_norm",
        backend="processes",
        start_method="fork",
        granted=4,
        wall=0.02,
        startup=0.21,
    )
    assert shown(entry) == dedent("""\
        ====================== parwork: 1 workload, NOT EXERCISED ======================
        test_norm.py::test_norm             serial   parallel  start-up  speed-up
          processes-4   8 values equal       8.8ms      0.02s     0.21s     0.44x
                        NOT EXERCISED: 1 worker ran all 8 cases. Equal proves nothing
                        here.
                        exact; 1 of 4 workers by fork, together 0 % of the time
        """)


def test_slower_than_serial() -> None:
    entry = run(
        cases(1000, serial=0.000_02, parallel=0.000_02, workers=4),
        id="test_tiny.py::test_tiny",
        granted=4,
        wall=0.31,
        startup=0.48,
    )
    assert shown(entry) == dedent("""\
        =================== parwork: 1 workload, all equal to serial ===================
        test_tiny.py::test_tiny             serial   parallel  start-up  speed-up
          joblib-4      1000 values equal    0.02s      0.31s     0.48s     0.06x SLOWER
                        exact; 4 of 4 workers, together 100 % of the time
                        a case is 20us of work and 1.2ms of overhead; joblib-4 pays from
                        about 400us a case
        """)


def test_a_long_run_with_everything_in_it() -> None:
    members = cases(500, serial=44.5, parallel=47.0, workers=12)
    slow = CRASH | {"lost": {"reason": "timeout", "detail": "timed out after 120 s"}}
    wrong = {"verdict": Verdict.DIFFERENT, "mismatches": (MEAN,), "mismatch_count": 1}
    entry = run(
        first(1, members[:250], **slow) + first(3, members[250:], **wrong),
        id="test_sweep.py::test_drag",
        backend="dask",
        policy="close(rtol=1e-10)",
        granted=12,
        wall=2000.0,
        startup=4.1,
    )
    assert shown(entry) == dedent("""\
        ================ parwork: 1 workload, 3 cases DIFFERENT, 1 LOST ================
        test_sweep.py::test_drag            serial   parallel  start-up  speed-up
          dask-12       496 values equal     6h10m     33m20s     4.10s    ~11.1x
                        3 DIFFERENT at ['mean']
                        1 LOST, timed out after 120 s
                        close(rtol=1e-10); 12 of 12 workers, together 100 % of the time
        """)


# the title


def test_nothing_is_shown_without_a_run() -> None:
    assert render(report(), width=80) is None


def test_quiet_leaves_only_the_title() -> None:
    made = section(fib(), verbosity=-1)
    assert made.title.text == "parwork: 1 workload, all equal to serial"
    assert made.lines == ()


@pytest.mark.parametrize(
    ("verdict", "colour"),
    [
        (Verdict.EQUAL, "green"),
        (Verdict.NOT_VERIFIED, "yellow"),
        (Verdict.DIFFERENT, "red"),
        (Verdict.LOST, "red"),
    ],
)
def test_the_title_has_the_colour_of_the_worst(verdict: Verdict, colour: str) -> None:
    members = first(1, cases(4), verdict=verdict)
    assert section(run(members)).title.markup == (colour, "bold")


def test_the_title_counts_over_all_workloads() -> None:
    wrong = run(first(2, cases(4), verdict=Verdict.DIFFERENT), id="a")
    gone = run(first(1, cases(4), **CRASH), id="b")
    alone = run(cases(3, workers=1), id="b", configuration_id="threads-2")
    title = section(wrong, gone, alone).title.text
    assert title == ("parwork: 2 workloads, 2 cases DIFFERENT, 1 LOST, 1 of 3 runs NOT EXERCISED")


def test_the_title_never_says_all_where_a_share_was_verified() -> None:
    members = first(3, cases(5), verdict=Verdict.NOT_VERIFIED, serial=None, why="verify=0.4")
    title = section(run(members)).title.text
    assert title == "parwork: 1 workload, 2 equal to serial, 3 not verified"


def test_the_title_counts_the_outcomes_among_the_values() -> None:
    title = section(run(first(1, cases(4), compared="outcomes"))).title.text
    assert title == "parwork: 1 workload, all equal to serial, 1 compared by outcome only"


@pytest.mark.parametrize(("width", "rest"), [(80, ""), (100, ", 1 skipped")])
def test_the_title_leaves_out_what_has_no_room_and_is_not_wrong(width: int, rest: str) -> None:
    members = first(4, cases(8), verdict=Verdict.DIFFERENT)
    skipped = replace(members[-1], verdict=Verdict.NOT_VERIFIED, why="skipped", interval=None)
    lost = [replace(case, **CRASH) for case in members[4:5]]
    runs = [
        run([*members[:4], *lost, skipped], id="test_it.py::test_many"),
        run(cases(1), id="test_it.py::test_one"),
    ]
    drawn = render(report(*runs), width=width)
    assert drawn is not None
    assert drawn.title.text == (
        f"parwork: 2 workloads, 4 cases DIFFERENT, 1 LOST, 1 of 2 runs NOT EXERCISED{rest}"
    )


def test_quiet_has_the_reason_of_what_was_not_exercised() -> None:
    text = [
        line.text.strip() for line in section(run(cases(8, workers=1)), fib(), verbosity=-1).lines
    ]
    assert text == [
        "test_fib.py::test_fib on joblib-2",
        "NOT EXERCISED: 1 worker ran all 8 cases. Equal proves nothing",
        "here.",
    ]


def test_a_title_without_a_section_below_leaves_out_nothing() -> None:
    members = first(1, cases(8), compared="outcomes")
    skipped = replace(members[-1], verdict=Verdict.NOT_VERIFIED, why="skipped", interval=None)
    entry = run([*members[:-1], skipped])
    made = render(report(entry), width=40, verbosity=-1)
    assert made is not None
    counts = "all equal to serial, 1 compared by outcome only, 1 skipped"
    assert made.title.text == f"parwork: 1 workload, {counts}"


def test_verbose_lists_the_files_that_left_this_machine_once_for_all_runs() -> None:
    first_run = run(cases(2), sent=("b.py", "a.py"), backend="dask:tcp://host:1")
    second_run = run(
        cases(2),
        id="test_other.py::test_other",
        backend="dask:tcp://host:1",
        sent=("a.py", *(f"package/module_{n}.py" for n in range(8))),
        withheld=("secret.py",),
    )
    text = shown(first_run, second_run, verbosity=1)
    assert text.endswith(
        dedent("""\
        10 files sent to the workers of dask:tcp://host:1:
          a.py, b.py, package/module_0.py, package/module_1.py, package/module_2.py,
          package/module_3.py, package/module_4.py, package/module_5.py,
          package/module_6.py, package/module_7.py
        1 file needed there and not sent:
          secret.py
        """)
    )
    assert " sent " not in shown(first_run, second_run)


def single(id: str, **fields: Any) -> RunReport:
    """Return a run of three cases, each in a run of its own."""
    members = [replace(case, run=f"{id}{case.index}") for case in cases(3, workers=1)]
    facts = tuple(
        RunFacts(run=case.run, wall=1.0, startup=0.1, granted=1, start_method="loky")
        for case in members
    )
    return summarise(entry(members, id=id, facts=facts, **fields))


def test_a_long_reason_is_shown_once_with_the_number_of_its_runs() -> None:
    runs = single("a.py::test_a"), single("a.py::test_b"), single("a.py::test_b", backend="threads")
    text = " ".join(shown(*runs).split())
    assert text.count("each of the 3 cases ran on its own, because each has its own value") == 1
    assert "Equal proves nothing here. (in 3 runs)" in text
    assert text.count("NOT EXERCISED, as in test_a on joblib-1") == 2
    same = " ".join(shown(single("a"), single("a", backend="threads")).split())
    assert "NOT EXERCISED, as on joblib-1" in same
    assert " ".join(shown(*runs, verbosity=1).split()).count("each of the 3 cases") == 3
    policy = "{'scores': close(rtol=1e-06, atol=0.0), 'labels': ulp(4), 'more': ulp(2)}"
    settings = shown(run(cases(8), policy=policy), run(cases(8), id="other", policy=policy))
    assert " ".join(settings.split()).count(f"{policy};") == 2, "settings are no reason"


@pytest.mark.parametrize("width", [80, 200])
def test_what_the_title_has_no_room_for_is_below_it_where_tests_are_plain(width: int) -> None:
    wrong = run(first(2, cases(400, compared="outcomes"), verdict=Verdict.DIFFERENT), id="a")
    plain = tuple(PlainEntry(id=f"{n}", reason="a fixture that changes it") for n in range(1200))
    made = render(replace(report(wrong), plain=plain), width=width)
    assert made is not None
    if width == 80:
        assert made.title.text == (
            "parwork: 400 cases fanned out in 1 run, 2 cases DIFFERENT; 1,200 plain"
        )
        below = " ".join(line.text for line in made.lines[:2])
        assert below == (
            "398 compared by outcome only; 1,200 plain: 1,200 a fixture that changes it (-v lists "
            "them)"
        )
        assert all(len(line.text) <= width for line in made.lines)
    else:
        assert made.title.text.endswith(
            "1,200 plain: 1,200 a fixture that changes it (-v lists them)"
        )
        assert made.lines[0].text.startswith("a ")


def test_what_is_bad_comes_before_what_else_a_narrow_title_has_no_room_for() -> None:
    wrong = run(first(2, cases(400), verdict=Verdict.DIFFERENT), id="a")
    alone = run(cases(3, workers=1), id="b")
    plain = (PlainEntry(id="p", reason="async"),)
    made = render(replace(report(wrong, alone), plain=plain), width=80)
    assert made is not None
    assert made.title.text == (
        "parwork: 403 cases fanned out in 2 runs, 2 cases DIFFERENT; 1 plain"
    )
    assert made.lines[0].text == "1 of 2 runs NOT EXERCISED; 1 plain: 1 async (-v lists them)"


def test_with_q_each_reason_of_a_run_that_was_not_exercised_is_there_once() -> None:
    runs = [run(cases(1, workers=1), id=f"test_many.py::test_{n}") for n in range(300)]
    lines = shown(*runs, single("a.py::test_a"), verbosity=-1).splitlines()
    assert lines[1:4] == [
        "test_many.py::test_0 on joblib-2 and 299 more runs",
        "                NOT EXERCISED: a single case cannot overlap with another;",
        "                parametrize the test. Equal proves nothing here.",
    ]
    assert lines[4] == "a.py::test_a on joblib-1"
    assert len(lines) == 9
