"""Outcomes compared: kind first, then values, failures by type and text."""

from __future__ import annotations

import pytest
from relation.outcomes import failure, skip, value

from pytest_parwork.equivalence import close, compare_late, compare_outcomes, exact
from pytest_parwork.model.outcome import Failure, Lost, Outcome

HERE, THERE = ("test_a.py", 3), ("test_a.py", 4)


@pytest.mark.parametrize(
    ("actual", "expected", "texts"),
    [
        (value(3), failure(ValueError("bad")), ("value 3", "ValueError: bad")),
        (skip("no GPU"), value(3), ("skip: no GPU", "value 3")),
        (value(3), value(4), ("3", "4")),
        (failure(KeyError("a")), failure(ValueError("a")), ("KeyError: 'a'", "ValueError: a")),
        (failure(OSError(1)), failure(OSError("1")), ("OSError: 1", "OSError: 1")),
    ],
)
def test_different_outcomes_are_described(
    actual: Outcome, expected: Outcome, texts: tuple[str, str]
) -> None:
    (mismatch,) = compare_outcomes(actual, expected, exact()).mismatches
    assert mismatch.path == ""
    assert (mismatch.actual, mismatch.expected) == texts


def test_different_failures_are_described() -> None:
    def tell(actual: Outcome, expected: Outcome) -> str:
        return compare_outcomes(actual, expected, exact()).mismatches[0].difference

    assert tell(failure(OSError(1)), failure(OSError("1"))) == (
        ".args[0]: 1, expected '1' (type int, expected str)"
    )
    assert (
        tell(failure(OSError("a"), has_exception=False), failure(OSError("b")))
        == "the text differs"
    )
    here, there = (failure(AssertionError(), where=where) for where in (HERE, THERE))
    assert tell(here, there) == "raised at test_a.py:3, expected at test_a.py:4"
    assert tell(here, failure(AssertionError())).endswith("expected at an unknown line")
    assert tell(failure(KeyError(1)), failure(OSError(1))) == ("type KeyError, expected OSError")


def test_values_are_compared_by_the_policy() -> None:
    policy = close(rtol=1e-3)
    assert compare_outcomes(value(1.0005), value(1.0), policy)
    assert compare_outcomes(value(2.0), value(1.0), policy).policy == str(policy)
    assert compare_outcomes(skip(""), value(1.0), policy).policy == str(policy)


def test_values_are_not_compared_on_request() -> None:
    assert compare_outcomes(value(1), value(2), exact(), values=False)
    assert not compare_outcomes(value(1), skip(""), exact(), values=False)


def test_a_lost_outcome_is_not_compared() -> None:
    lost = Outcome(kind="lost", lost=Lost(reason="crash", detail="signal 9"))
    with pytest.raises(ValueError, match="an outcome that is lost has nothing to compare"):
        compare_outcomes(value(1), lost, exact())


def test_frames_of_ours_in_a_text_after_the_body_do_not_count() -> None:
    def checked(frame: str) -> Failure:
        text = f"FAILURE: check 0 == 5\n{frame}\ntest_it.py:6 in test()"
        return Failure(type="AssertionError", text=text)

    ours = "../pytest_parwork/plugin/sending/forked.py:94 in caught()"
    theirs = "helpers.py:3 in f()"
    assert compare_late([checked(ours)], [checked(f"{ours}\n{ours}")], exact())
    assert not compare_late([checked(ours)], [checked(theirs)], exact())


@pytest.mark.parametrize(
    ("actual", "expected", "is_equal"),
    [
        ("/tmp/tmp1lsqmsch/a.txt", "/tmp/tmpz_14rp6e/a.txt", True),
        ("/tmp/tmp1lsqmsch/a.txt", "/tmp/tmpz_14rp6e/b.txt", False),
        ("'C:\\Temp\\tmp1lsqmsch'", "'C:\\Temp\\tmpz_14rp6e'", True),
        ("/tmp/template1", "/tmp/template2", False),
        ("tmp1lsqmsch", "tmpz_14rp6e", False),  # no file
    ],
)
def test_names_of_temporary_files_do_not_count_in_failures(
    actual: str, expected: str, is_equal: bool
) -> None:
    sides = failure(ValueError(actual)), failure(ValueError(expected))
    assert bool(compare_outcomes(*sides, exact())) is is_equal
    late = [Failure(type="Exception", text=text) for text in (actual, expected)]
    assert bool(compare_late(late[:1], late[1:], exact())) is is_equal
