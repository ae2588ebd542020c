"""The hook `pytest_parwork_compare`."""

from __future__ import annotations

import pytest

from .scratch import Scratch

CONFTEST = """
from pytest_parwork import Mismatch

def pytest_parwork_compare(actual, expected, path, policy):
    if type(actual).__name__ != "Angle":
        return None
    assert str(policy) == "close(rtol=0.0, atol=0.5)"
    if abs(actual.degrees - expected.degrees) % 360 <= policy.atol:
        return []
    return [Mismatch(path=f"{path}.degrees", kind="value", actual="a", expected="b")]
"""

BODY = """
from pytest_parwork import close

HERE = __import__("threading").main_thread()

class Angle:
    def __init__(self, degrees):
        self.degrees = degrees

def angle(degrees):
    import threading
    return Angle(degrees if threading.current_thread() is HERE else degrees + {turn})
"""

CASES = """
@pytest.mark.parwork(backend="threads", workers=2, compare=close(rtol=0, atol=0.5))
@pytest.mark.parametrize("n", range(2))
def test_angle(n):
    return {"angle": [angle(n)]}
"""

CALLS = """
@pytest.mark.parwork(backend="threads", workers=2, compare=close(rtol=0, atol=0.5))
def test_angle(parwork):
    parwork.map(angle, range(2))
"""


@pytest.mark.parametrize("cases", [CASES, CALLS])
@pytest.mark.parametrize(("turn", "path"), [(360, ""), (10, ".degrees")])
def test_a_project_compares_its_own_classes(
    scratch: Scratch, cases: str, turn: int, path: str
) -> None:
    scratch.write("conftest.py", CONFTEST)
    scratch.cases(BODY.format(turn=turn) + cases)
    session = scratch.run()
    if not path:
        assert set(session.counts) == {"passed"}
    else:
        assert set(session.counts) == {"failed"}
        place = "['angle'][0]" if cases is CASES else "[0]"
        assert f"DIFFERENT at {place}.degrees" in session.text


def test_the_hook_of_a_folder_answers_for_that_folder(scratch: Scratch) -> None:
    scratch.cases(BODY.format(turn=360) + CASES)
    scratch.write("other/conftest.py", CONFTEST)
    session = scratch.run()
    assert session.counts == {"failed": 2}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            "['text']",
            "pytest_parwork_compare returned ['text']; return a list of Mismatch, or None",
        ),
        ("1 / 0", "comparing raised ZeroDivisionError('division by zero')"),
    ],
)
def test_a_hook_that_gives_no_answer_passes_nothing(
    scratch: Scratch, answer: str, told: str
) -> None:
    scratch.write(
        "conftest.py",
        f"""
        def pytest_parwork_compare(actual, expected):
            return {answer}
        """,
    )
    scratch.cases(
        """
        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_list(n):
            return [n]
        """
    )
    session = scratch.run()
    assert session.counts == {"failed": 2}
    assert told in " ".join(session.text.split())


def test_what_a_hook_writes_is_bounded_and_fits_every_report(scratch: Scratch) -> None:
    huge = '"x" * 1_000_000 + "\\n\\x1b[31m"'
    scratch.write(
        "conftest.py",
        CONFTEST.replace(
            'actual="a", expected="b"',
            f'actual={huge}, expected="b", difference={huge}, array={huge}, '
            'absolute=float("inf"), relative=float("nan"), ulp=3, indices=["[0]"] * 9, at=1',
        ),
    )
    scratch.cases(BODY.format(turn=10) + CASES)
    session = scratch.run(report=True)
    assert "INTERNALERROR" not in session.text
    assert session.counts == {"failed": 2}
    assert len(session.text) < 10_000
    assert "\x1b" not in session.text
    first = session.report["runs"][0]["mismatches"][0]
    assert (first["absolute"], first["relative"], first["ulp"]) == (None, None, 3)
    assert (len(first["indices"]), first["at"]) == (5, "1")
