"""The messages of failing cases, as users see them."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from .scratch import Scratch, Session


def block(session: Session, name: str) -> list[str]:
    """Return the lines of the failure of a test, its title left out."""
    lines = session.out.splitlines()
    (start,) = [n for n, line in enumerate(lines) if line.strip("_ ") == name]
    ends = [n for n in range(start + 1, len(lines)) if lines[n].startswith(("__", "=="))]
    return lines[start + 1 : ends[0]]


def test_the_values_of_a_case_are_shown_with_the_configurations_that_returned_them(
    scratch: Scratch,
) -> None:
    scratch.cases(
        """
        import threading

        @pytest.mark.parwork(
            backend=["threads", "processes:fork", "joblib:threading", "isolated:fork"], workers=2
        )
        @pytest.mark.parametrize("text", ["", "a text that is so long that there is no room"])
        def test_it(text):
            is_other = threading.current_thread() is threading.main_thread() and not is_here()
            return {"text": text, "value": 1 + is_other}
        """
    )
    session = scratch.run_apart()
    assert session.counts == {"failed": 4, "passed": 4}
    assert block(session, "test_it[processes:fork-]")[6:8] == [
        "  values   {'text': '', 'value': 1}    serial, threads-2",
        "           {'text': '', 'value': 2}    processes:fork-2",
    ]
    name = "test_it[isolated:fork-a text that is so long that there is no room]"
    lead = "  as in    test_it[isolated:fork-], here +1"
    assert lead in block(session, name)
    verbose = block(scratch.run_apart("-v"), name)
    values = [n for n, line in enumerate(verbose) if line.startswith("  values ")]
    assert verbose[values[0] : values[0] + 2] == [
        "  values   ['value']: 1    serial, threads-2, joblib:threading-2",
        "           ['value']: 2    processes:fork-2, isolated:fork-2",
    ]


WRONG = """
@pytest.mark.parwork(backend="processes:fork", workers=2)
@pytest.mark.parametrize("n", [pytest.param(0{mark}), 1, 2])
def test_it(n):
    return {{"n": n, "here": is_here()}}
"""


def test_a_case_like_one_before_names_that_one(scratch: Scratch) -> None:
    scratch.cases(WRONG.format(mark=""))
    session = scratch.run("--junitxml=junit.xml")
    told = [
        "DIFFERENT at ['here']: serial True, processes:fork-2 False",
        "  as in    test_it[0]",
        '  serially pytest "test_it.py::test_it[1]" --parwork-serial',
    ]
    assert block(session, "test_it[1]") == told
    failures = [row.text or "" for row in ET.parse(scratch.path / "junit.xml").iter("failure")]
    assert failures[1].splitlines() == told
    assert "  as in" not in scratch.run("-v").out


def test_a_case_is_not_like_one_that_nobody_sees(scratch: Scratch) -> None:
    scratch.cases(WRONG.format(mark=", marks=pytest.mark.xfail(raises=AssertionError)"))
    session = scratch.run()
    assert "  again    " in "\n".join(block(session, "test_it[1]"))
    assert "  as in    test_it[1]" in block(session, "test_it[2]")


SERIALLY = """
@pytest.mark.parwork(backend="processes:fork", workers=2)
@pytest.mark.parametrize("n", range(3))
def test_it(n):
    if is_here():
        raise ValueError("here")
"""


def test_a_difference_is_in_the_short_summary_even_if_the_serial_run_raised(
    scratch: Scratch,
) -> None:
    scratch.cases(SERIALLY)
    session = scratch.run("--junitxml=junit.xml")
    assert len(session.summary) == 3
    assert all(" - DIFFERENT: serial ValueError: here" in line for line in session.summary)
    assert session.out.count("ValueError: here\n") == 1, "the traceback, which is shown once"
    assert ">           raise ValueError" in "\n".join(block(session, "test_it[0]"))
    assert block(session, "test_it[2]")[1] == "  as in    test_it[0]"
    failures = list(ET.parse(scratch.path / "junit.xml").iter("failure"))
    assert all(row.get("message", "").startswith("DIFFERENT: ") for row in failures)
    assert scratch.run("-v").out.count(">           raise ValueError") == 3


def test_another_traceback_of_the_serial_run_is_shown(scratch: Scratch) -> None:
    other = "    if is_here() and n == 2:\n        raise ValueError('there')\n    if is_here():"
    scratch.cases(SERIALLY.replace("    if is_here():", other))
    session = scratch.run()
    for name in ("test_it[0]", "test_it[2]"):
        assert ">           raise ValueError" in "\n".join(block(session, name))


def test_the_traceback_of_a_worker_is_shown_once(scratch: Scratch) -> None:
    scratch.cases(SERIALLY.replace("if is_here()", "if True"))
    session = scratch.run("--parwork-verify=0")
    assert session.counts == {"failed": 3}
    assert session.out.count("Traceback (most recent call last)") == 1
    assert block(session, "test_it[1]")[-1] == "as in test_it[0]"


def test_the_id_of_a_case_like_another_is_bounded(scratch: Scratch) -> None:
    scratch.cases(
        WRONG.format(mark="").replace("[pytest.param(0), 1, 2]", "[0, 1], ids=['x' * 3000, 'b']")
    )
    lines = block(scratch.run(), "test_it[b]")
    assert lines[1].startswith("  as in    test_it[xxx")
    assert len(lines[1]) < 80


@pytest.mark.parametrize("columns", [80, 120])
def test_a_message_is_as_wide_as_the_terminal(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    body = "return [('here' if is_here() else 'there') + 25 * 'x'] * 2"
    scratch.cases(
        f"""
        @pytest.mark.parwork(backend="processes:fork", workers=2)
        def test_case():
            {body}

        def value(n):
            {body}

        def test_calls(parwork):
            parwork.map(value, [1], backend="processes:fork", workers=2)
        """
    )
    session = scratch.run()
    for name in ("test_case", "test_calls"):
        lines = [line for line in block(session, name) if "MismatchError: " not in line]
        assert (max(map(len, lines)) > 80) is (columns > 80)
        assert max(map(len, lines)) <= columns


def test_values_that_look_the_same_are_reported_as_not_equal(scratch: Scratch) -> None:
    scratch.cases(
        """
        class Secret:
            def __eq__(self, other): return False
            def __repr__(self): raise RuntimeError

        @pytest.mark.parwork(backend="processes:fork", workers=2)
        def test_it():
            return Secret()
        """
    )
    told = block(scratch.run(), "test_it")
    assert told[0] == "DIFFERENT: not equal, although both look the same"


def test_a_reason_that_holds_for_all_cases_is_shown_once(scratch: Scratch) -> None:
    scratch.write(
        "conftest.py",
        """
        from pytest_parwork import BackendError

        class Broken:
            reach = "process"
            def start(self, workers):
                raise BackendError("no workers today")
            def close(self):
                pass

        def pytest_parwork_backends(config):
            return {"broken": Broken()}
        """,
    )
    scratch.cases(
        """
        @pytest.mark.parwork(backend="broken", workers=2)
        @pytest.mark.parametrize("n", range(20))
        def test_it(n):
            return n

        @pytest.mark.parwork(backend="broken", workers=2)
        @pytest.mark.parametrize("n", range(20))
        def test_other(n):
            return n
        """
    )
    session = scratch.run()
    assert session.counts == {"failed": 40}
    assert " ".join(session.out.split()).count("no workers today") == 2, (
        "in full, and once in the section, for both rows"
    )
    assert block(session, "test_it[1]") == ["NOT_SENT: as in test_it[0]"]


COMPARED = """
from pytest_parwork import close, compare

ACTUAL = {"mean": 3.1, "sum": [1, 2, 3], "label": "x" * 300}
EXPECTED = {"mean": 3.2, "sum": [1, 2, 4], "label": "y" * 300}
"""


@pytest.mark.parametrize(
    "body",
    [
        "assert compare(ACTUAL, EXPECTED)",
        "assert compare(ACTUAL, EXPECTED, close(rtol=1e-9))",
        "found = compare(ACTUAL, EXPECTED)\n            assert found",
        "assert compare(1, 1) and compare(ACTUAL, EXPECTED)",
        "compare(ACTUAL, EXPECTED).check()",
    ],
)
def test_an_assertion_of_a_comparison_shows_the_table(scratch: Scratch, body: str) -> None:
    scratch.cases(
        f"""
        {COMPARED.replace(chr(10), chr(10) + " " * 8)}
        def test_it():
            {body}
        """
    )
    session = scratch.run_apart()
    assert session.counts == {"failed": 1}
    for path in ("['mean']", "['sum'][2]", "['label']"):
        assert path in session.text


def test_other_assertions_have_no_table(scratch: Scratch) -> None:
    body = "found = compare(ACTUAL, EXPECTED)\n            assert len('a') == 2"
    scratch.cases(
        f"""
        {COMPARED.replace(chr(10), chr(10) + " " * 8)}
        def test_it():
            {body}
        """
    )
    assert "parwork: compare" not in scratch.run().out


@pytest.mark.parametrize(
    ("backend", "is_told"),
    [("processes:spawn", True), ("processes:fork", False), ("threads", False)],
)
def test_what_a_wide_fixture_does_not_do_in_workers_is_told(
    scratch: Scratch, backend: str, is_told: bool
) -> None:
    scratch.cases(
        f"""
        @pytest.fixture(scope="module")
        def precision():
            return 5

        @pytest.mark.parwork(backend={backend!r}, workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(precision, n):
            return is_here()
        """
    )
    told = "workers have the value of 'precision'; what it does in pytest's process"
    assert (told in " ".join(scratch.run().text.split())) is is_told


def test_cases_that_vary_the_parallelism_of_the_code_are_not_taken_for_compared(
    scratch: Scratch,
) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n_jobs", [1, 2, -1])
        def test_it(n_jobs):
            return n_jobs

        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n_jobs", [2])
        @pytest.mark.parametrize("n", range(2))
        def test_fixed(n, n_jobs):
            return n
        """
    )
    session = scratch.run(report=True)
    assert session.counts == {"passed": 5}
    told = " ".join(" ".join(session.section).split())
    assert told.count("cases with different n_jobs are not compared with one another") == 1
    assert session.run("test_it.py::test_it")["varied"] == ["n_jobs"]
    assert session.run("test_it.py::test_fixed")["varied"] == []
