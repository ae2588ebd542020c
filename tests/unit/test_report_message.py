"""What a failing case says, as full texts."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent
from typing import Any

import pytest

from pytest_parwork.model.comparison import Comparison, Mismatch, Note
from pytest_parwork.model.outcome import Verdict
from pytest_parwork.report.entries import CaseEntry
from pytest_parwork.report.message import Scene, lost_message, mismatch_message

WORKLOAD = "test_pi.py::test_pi"
MESH = "test_mesh.py::test_mesh[17]"
COMMANDS = """

  again    pytest "test_pi.py::test_pi"
  serially pytest "test_pi.py::test_pi[joblib-2-3]" --parwork-serial"""

MEAN = Mismatch(
    path="['mean']",
    kind="value",
    actual="3.1398450",
    expected="3.1415122",
    difference="-0.053 %, 3.8e12 ulp",
)


CASE = CaseEntry(id=f"{WORKLOAD}[joblib-2-3]", verdict=Verdict.DIFFERENT, worker=2)
SCENE = Scene(
    actual="joblib-2",
    reference="serial",
    commands=(
        ("again", 'pytest "test_pi.py::test_pi"'),
        ("serially", 'pytest "test_pi.py::test_pi[joblib-2-3]" --parwork-serial'),
    ),
)


def compared(*mismatches: Mismatch, count: int | None = None, **more: Any) -> Comparison:
    number = len(mismatches) if count is None else count
    return Comparison(mismatches=mismatches, count=number, classes={"value": number}, **more)


def message(*mismatches: Mismatch, count: int | None = None, traceback: str = "") -> str:
    return mismatch_message(CASE, compared(*mismatches, count=count), SCENE, traceback=traceback)


def lost(reason: str, detail: str) -> str:
    return lost_message(
        CaseEntry(id=MESH, verdict=Verdict.LOST, lost={"reason": reason, "detail": detail}),
        f'pytest "{MESH}" --parwork-serial',
        reference="serial",
    )


def test_a_mismatch_is_named_first_and_then_measured() -> None:
    assert message(MEAN) == dedent("""\
        DIFFERENT at ['mean']: serial 3.1415122, joblib-2 3.1398450

          path        serial       joblib-2     difference
          ['mean']    3.1415122    3.1398450    -0.053 %, 3.8e12 ulp

          again    pytest "test_pi.py::test_pi"
          serially pytest "test_pi.py::test_pi[joblib-2-3]" --parwork-serial""")


def test_the_context_of_a_difference_is_shown() -> None:
    near = replace(MEAN, ulp=3)
    notes = tuple(Note(path=path, kind="dict-order", text="keys moved") for path in ("['a']", ""))
    others = [replace(CASE, mismatches=(MEAN,)), replace(CASE, verdict=Verdict.EQUAL, worker=1)]
    scene = replace(
        SCENE,
        policy="exact()",
        judged=[*others, others[0]],
        used=2,
        granted=2,
        peak=2,
        values=[("3.1415122", ["serial", "threads-2"]), ("3.13", ["joblib-2"])],
    )
    text = mismatch_message(CASE, compared(near, notes=notes), scene)
    assert text.partition("ulp\n\n")[2].splitlines() == [
        "  policy   exact(); would pass at ulp(3)",
        "  note     ['a']: keys moved",
        "  values   3.1415122    serial, threads-2",
        "           3.13         joblib-2",
        "  cases    2 of 3 differ so far, all at ['mean'], all on worker 2",
        "  overlap  2/2 workers used, peak overlap 2",
        '  again    pytest "test_pi.py::test_pi"',
        '  serially pytest "test_pi.py::test_pi[joblib-2-3]" --parwork-serial',
    ]
    verbose = mismatch_message(CASE, compared(near, notes=notes), replace(scene, is_verbose=True))
    assert "\n  note     keys moved\n" in verbose


def test_a_case_like_an_earlier_one_is_reported_in_three_lines() -> None:
    scene = replace(SCENE, like="test_pi[joblib-2-1]", policy="exact()")
    assert mismatch_message(CASE, compared(MEAN, count=3), scene) == dedent("""\
        DIFFERENT at ['mean']: serial 3.1415122, joblib-2 3.1398450
          as in    test_pi[joblib-2-1], here -0.053 %, 3.8e12 ulp, and 2 more
          serially pytest "test_pi.py::test_pi[joblib-2-3]" --parwork-serial""")
    whole = mismatch_message(CASE, compared(MEAN), replace(scene, is_verbose=True))
    assert "as in" not in whole


def test_a_whole_value_that_the_first_line_shows_is_not_repeated() -> None:
    whole = Mismatch(path="", kind="value", actual="2", expected="1")
    assert message(whole) == "DIFFERENT: serial 1, joblib-2 2" + COMMANDS


def test_a_mismatch_that_the_values_do_not_show_is_named_by_its_class() -> None:
    dtype = Mismatch(path="", kind="dtype", actual="[1, 2]", expected="[1, 2]")
    assert message(dtype) == (
        "DIFFERENT: dtype\n\n"
        "  path         serial    joblib-2    difference\n"
        "  the value    [1, 2]    [1, 2]      dtype" + COMMANDS
    )


def test_many_mismatches_are_cut_and_counted() -> None:
    places = [Mismatch(path=f"[{i}]", kind="value", actual="2", expected="1") for i in range(12)]
    lines = message(*places, count=400).splitlines()
    assert lines[0] == "DIFFERENT at [0]: serial 1, joblib-2 2"
    assert lines[3:4] + lines[12:15] == [
        "  [0]     1         2",
        "  [9]     1         2",
        "",
        "  400 mismatches: 400 value; 10 shown (more with -v)",
    ]
    scene = replace(SCENE, is_verbose=True)
    lines = mismatch_message(CASE, compared(*places, count=400), scene).splitlines()
    assert lines[14:17] == [
        "  [11]    1         2",
        "",
        "  400 mismatches: 400 value; 12 shown",
    ]


def test_long_values_stand_one_below_the_other_in_full() -> None:
    start = "array([1.00000000e+00, 2.00000000e+00, 3.00000000e+00, 4.00000000e+00, 5."
    first = Mismatch(
        path="['x']", kind="value", actual=start + "1])", expected=start + "0])", difference="0.1"
    )
    second = Mismatch(path="['n']", kind="type", actual="1.0", expected="1")
    assert message(first, second) == (
        dedent("""\
        DIFFERENT at ['x']: serial array([1....00, 5.0]), joblib-2 array([1....00, 5.1])

          path          ['x']
          serial        array([1.00000000e+00, 2.00000000e+00, 3.00000000e+00,
                        4.00000000e+00, 5.0])
          joblib-2      array([1.00000000e+00, 2.00000000e+00, 3.00000000e+00,
                        4.00000000e+00, 5.1])
          difference    0.1

          path          ['n']
          serial        1
          joblib-2      1.0
          difference    type""")
        + COMMANDS
    )


def test_the_first_line_fits_eighty_columns_whatever_the_values() -> None:
    for actual in ("2" * 300, "2"):
        for path in ("", "['a']", "['coefficients']" * 10):
            entry = Mismatch(path=path, kind="value", actual=actual, expected="1" * 300)
            assert len(message(entry).splitlines()[0]) <= 80


def test_an_exception_raised_only_in_the_worker_shows_its_traceback() -> None:
    outcome = Mismatch(path="", kind="outcome", actual="ValueError: bad number", expected="passed")
    traceback = 'Traceback (most recent call last):\n  File "x.py", line 3, in f\nValueError: …\n'
    assert message(outcome, traceback=traceback) == (
        dedent("""\
        DIFFERENT: serial passed, joblib-2 ValueError: bad number

          in its worker:
            Traceback (most recent call last):
              File "x.py", line 3, in f
            ValueError: …""")
        + COMMANDS
    )


def test_a_difference_without_a_place_still_gives_the_commands() -> None:
    assert message() == "DIFFERENT" + COMMANDS


def test_a_crash_says_why_it_was_not_run_serially() -> None:
    assert lost("crash", "its worker died of SIGSEGV (signal 11)") == dedent("""\
        LOST: its worker died of SIGSEGV (signal 11)

          serial   not run: it could crash pytest. To run it anyway:
                   pytest "test_mesh.py::test_mesh[17]" --parwork-serial""")


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("timeout", "it could block all further tests"),
        ("interrupted", "the session was interrupted"),
        ("backend", "its backend has no workers"),
    ],
)
def test_each_reason_of_a_loss_has_its_text(reason: str, why: str) -> None:
    lines = lost(reason, "gone").splitlines()
    assert lines[2] == f"  serial   not run: {why}. To run it anyway:"
    assert max(map(len, lines)) <= 80


def test_two_values_that_read_alike_leave_the_first_line_to_the_difference() -> None:
    start = "array([" + "0.0, " * 18
    long = Mismatch(
        path="['x']", kind="dtype", actual=start, expected=start, difference="dtype <f4, not <f8"
    )
    assert message(long).startswith("DIFFERENT at ['x']: dtype <f4, not <f8\n\n")


def test_a_wide_terminal_is_used() -> None:
    long = replace(MEAN, path="['a']", actual="2" * 35, expected="1" * 35)
    narrow = mismatch_message(CASE, compared(long), SCENE).splitlines()
    wide = mismatch_message(CASE, compared(long), replace(SCENE, width=120)).splitlines()
    assert narrow[2].split() == ["path", "['a']"]
    assert wide[2].split() == ["path", "serial", "joblib-2", "difference"]
    assert wide[0] == f"DIFFERENT at ['a']: serial {'1' * 35}, joblib-2 {'2' * 35}"
    assert mismatch_message(CASE, compared(long), replace(SCENE, width=300)).splitlines() == wide
    least = [replace(SCENE, width=width) for width in (20, 60)]
    assert len({mismatch_message(CASE, compared(long), scene) for scene in least}) == 1


def test_of_each_class_there_is_something_in_the_table() -> None:
    values = [Mismatch(path=f"[{i}]", kind="value", actual="2", expected="1") for i in range(90)]
    near = Mismatch(path="['near']", kind="≤4 ulp", actual="2", expected="1")
    types = Mismatch(path="['type']", kind="type", actual="2", expected="1")
    classes = {"type": 1, "value": 290, "≤4 ulp": 9}
    comparison = Comparison(mismatches=(*values, near, types), count=300, classes=classes)
    text = mismatch_message(CASE, comparison, SCENE)
    assert text.splitlines()[3:13:3] == [
        "  [0]         1         2",
        "  [3]         1         2",
        "  [6]         1         2",
        "  ['type']    1         2           type",
    ]
    assert "  300 mismatches: 290 value, 9 ≤4 ulp, 1 type; 10 shown (more with -v)" in text


def test_a_message_has_about_twenty_five_lines_and_all_with_v() -> None:
    places = [
        Mismatch(path=f"[{i}]", kind=f"kind {i % 3}", actual="2" * 60, expected="1" * 60)
        for i in range(60)
    ]
    notes = tuple(Note(path="", kind="dict-order", text="keys moved") for _ in range(40))
    scene = replace(
        SCENE,
        policy="exact()",
        judged=[replace(CASE, mismatches=(places[0],))] * 2,
        used=2,
        granted=2,
        peak=2,
        values=[(str(n), [f"threads-{n}"]) for n in range(30)],
    )
    comparison = compared(*places, notes=notes)
    text = mismatch_message(CASE, comparison, scene).splitlines()
    assert len(text) == 27
    assert text[2].split() == ["path", "serial", "joblib-2", "difference"]
    assert all("1..." in line and "...2" in line for line in text[3:13])
    assert max(map(len, text)) <= 80
    assert "           26 more with -v" in text
    verbose = mismatch_message(CASE, comparison, replace(scene, is_verbose=True)).splitlines()
    assert sum(line.startswith("  path ") for line in verbose) == 60
    assert sum("keys moved" in line for line in verbose) == 40
    assert sum("threads-" in line for line in verbose) == 30


def test_a_wide_character_takes_two_columns_and_a_combining_one_none() -> None:
    rows = [
        Mismatch(path="['値']", kind="value", actual="2", expected="1"),
        Mismatch(path="['e\N{COMBINING ACUTE ACCENT}']", kind="value", actual="2", expected="1"),
        Mismatch(path="['abc']", kind="value", actual="2", expected="1"),
    ]
    assert message(*rows).splitlines()[3:6] == [
        "  ['値']     1         2",
        "  ['e\N{COMBINING ACUTE ACCENT}']      1         2",
        "  ['abc']    1         2",
    ]


def test_all_calls_are_judged_before_their_message_is_made() -> None:
    scene = replace(SCENE, judged=[CASE, CASE, replace(CASE, worker=1)], noun="calls")
    text = mismatch_message(CASE, compared(MEAN), scene)
    assert "  calls    3 of 3 differ, on 2 workers\n" in text
