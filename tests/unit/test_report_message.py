"""What a failing case says, as full texts."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent
from typing import Any

import pytest

from pytest_parwork.comparison import Comparison, Mismatch, Note
from pytest_parwork.model import Verdict
from pytest_parwork.report.entries import CaseEntry
from pytest_parwork.report.message import Scene, lost_message, mismatch_message

WORKLOAD = "test_pi.py::test_pi"
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
SCENE = Scene(workload=WORKLOAD, configuration="joblib-2")


def compared(*mismatches: Mismatch, count: int | None = None, **more: Any) -> Comparison:
    number = len(mismatches) if count is None else count
    return Comparison(mismatches=mismatches, count=number, classes={"value": number}, **more)


def message(*mismatches: Mismatch, count: int | None = None, traceback: str = "") -> str:
    return mismatch_message(CASE, compared(*mismatches, count=count), SCENE, traceback=traceback)


def lost(reason: str, detail: str, *, node_id: str = "test_mesh.py::test_mesh[17]") -> str:
    return lost_message(
        CaseEntry(id=node_id, verdict=Verdict.LOST, lost={"reason": reason, "detail": detail})
    )


def test_a_mismatch_is_named_first_and_then_measured() -> None:
    assert message(MEAN) == dedent("""\
        DIFFERENT at ['mean']: serial 3.1415122, joblib-2 3.1398450

          path        serial       joblib-2     difference
          ['mean']    3.1415122    3.1398450    -0.053 %, 3.8e12 ulp

          again    pytest "test_pi.py::test_pi"
          serially pytest "test_pi.py::test_pi[joblib-2-3]" --parwork-serial""")


def test_what_is_around_a_difference_is_told() -> None:
    near = replace(MEAN, ulp=3)
    notes = tuple(Note(path=path, kind="dict-order", text="keys moved") for path in ("['a']", ""))
    others = [replace(CASE, mismatches=(MEAN,)), replace(CASE, verdict=Verdict.EQUAL, worker=1)]
    scene = Scene(
        workload=WORKLOAD,
        configuration="joblib-2",
        policy="exact()",
        judged=[*others, others[0]],
        used=2,
        granted=2,
        peak=2,
        again=["-k", "test_pi[joblib-2"],
        values=[("3.1415122", ["serial", "threads-2"]), ("3.13", ["joblib-2"])],
    )
    told = mismatch_message(CASE, compared(near, notes=notes), scene)
    assert told.partition("ulp\n\n")[2].splitlines() == [
        "  policy   exact(); would pass at ulp(3)",
        "  note     ['a']: keys moved",
        "  values   3.1415122    serial, threads-2",
        "           3.13         joblib-2",
        "  cases    2 of 3 differ so far, all at ['mean'], all on worker 2",
        "  overlap  2/2 workers used, peak overlap 2",
        '  again    pytest "test_pi.py::test_pi" -k "test_pi[joblib-2"',
        '  serially pytest "test_pi.py::test_pi[joblib-2-3]" --parwork-serial',
    ]
    verbose = mismatch_message(CASE, compared(near, notes=notes), replace(scene, is_verbose=True))
    assert "\n  note     keys moved\n" in verbose


def test_a_case_like_one_before_is_told_in_three_lines() -> None:
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


def test_a_mismatch_that_the_values_do_not_show_tells_its_kind() -> None:
    dtype = Mismatch(path="", kind="dtype", actual="[1, 2]", expected="[1, 2]")
    assert message(dtype) == (
        "DIFFERENT: serial [1, 2], joblib-2 [1, 2]\n\n"
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
        "  400 mismatches: 400 value; 10 are shown (more with -v)",
    ]
    scene = replace(SCENE, is_verbose=True)
    lines = mismatch_message(CASE, compared(*places, count=400), scene).splitlines()
    assert lines[14:17] == [
        "  [11]    1         2",
        "",
        "  400 mismatches: 400 value; 12 are shown",
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


def test_an_exception_of_the_worker_alone_shows_its_traceback() -> None:
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

          serial   not run: it would take pytest with it. To try it all the same:
                   pytest "test_mesh.py::test_mesh[17]" --parwork-serial""")


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("timeout", "it would hold up all that follow"),
        ("interrupted", "the session was interrupted"),
        ("backend", "it has no workers"),
    ],
)
def test_each_reason_of_a_loss_has_its_words(reason: str, why: str) -> None:
    lines = lost(reason, "gone").splitlines()
    assert lines[2] == f"  serial   not run: {why}. To try it all the same:"
    assert max(map(len, lines)) <= 80


def test_an_id_that_a_shell_would_read_is_quoted_for_it() -> None:
    text = lost("crash", "gone", node_id='test_a.py::test["x"-$y]')
    assert text.endswith("""pytest 'test_a.py::test["x"-$y]' --parwork-serial""")
