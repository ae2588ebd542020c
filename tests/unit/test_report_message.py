"""What a failing case says, as full texts."""

from __future__ import annotations

from textwrap import dedent

import pytest

from pytest_parwork.comparison import Mismatch
from pytest_parwork.model import Verdict
from pytest_parwork.report.entries import CaseEntry
from pytest_parwork.report.message import lost_message, mismatch_message

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


def message(*mismatches: Mismatch, count: int | None = None, traceback: str = "") -> str:
    case = CaseEntry(
        id=f"{WORKLOAD}[joblib-2-3]",
        verdict=Verdict.DIFFERENT,
        mismatches=mismatches,
        mismatch_count=len(mismatches) if count is None else count,
    )
    return mismatch_message(case, configuration="joblib-2", workload=WORKLOAD, traceback=traceback)


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
    assert lines[3:4] + lines[12:14] == [
        "  [0]     1         2",
        "  [9]     1         2",
        "  ... and 390 more",
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
