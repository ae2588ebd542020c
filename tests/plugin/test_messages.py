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
@pytest.mark.parwork(backend="threads", workers=2)
@pytest.mark.parametrize("n", [pytest.param(0{mark}), 1, 2])
def test_it(n):
    return {{"n": n, "here": is_here()}}
"""


def test_a_case_like_one_before_names_that_one(scratch: Scratch) -> None:
    scratch.cases(WRONG.format(mark=""))
    session = scratch.run("--junitxml=junit.xml")
    told = [
        "DIFFERENT at ['here']: serial True, threads-2 False",
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


@pytest.mark.parametrize("columns", [80, 120])
def test_a_message_is_as_wide_as_the_terminal(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    body = "return [('here' if is_here() else 'there') + 25 * 'x'] * 2"
    scratch.cases(
        f"""
        @pytest.mark.parwork(backend="threads", workers=2)
        def test_case():
            {body}

        def value(n):
            {body}

        def test_calls(parwork):
            parwork.map(value, [1], backend="threads", workers=2)
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

        @pytest.mark.parwork(backend="threads", workers=2)
        def test_it():
            return Secret()
        """
    )
    told = block(scratch.run(), "test_it")
    assert told[0] == "DIFFERENT: not equal, although both look the same"
