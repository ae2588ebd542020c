"""What clean results rule out: the bounds, and what is said of them."""

from __future__ import annotations

from dataclasses import replace
from math import comb
from typing import Any

import pytest
from support.report_samples import cases, interval, run, shown

from pytest_parwork.model.outcome import Verdict
from pytest_parwork.model.stats import highest_rate, most_unseen
from pytest_parwork.report.entries import CaseEntry
from pytest_parwork.report.notes import notes
from pytest_parwork.report.repeats import Repeat


def sampled(number: int, every: int) -> list[CaseEntry]:
    """Return so many cases, of which only each n-th was verified."""
    return [
        case
        if case.index % every == 0
        else replace(case, verdict=Verdict.NOT_VERIFIED, serial=None, why="verify=0.1")
        for case in cases(number)
    ]


def repeated(case: CaseEntry, times: int) -> CaseEntry:
    one = Repeat(verdict=Verdict.EQUAL, parallel=1.0, worker=1, interval=interval(0.0, 1.0))
    return replace(case, repeats=(one,) * times)


def test_sixty_clean_ones_of_a_thousand_leave_47_open() -> None:
    assert most_unseen(1000, 60, confidence=0.95) == 47


@pytest.mark.parametrize(("number", "checked"), [(10, 3), (50, 20), (200, 1), (7, 6), (300, 299)])
def test_the_bound_is_that_of_the_hypergeometric_distribution(number: int, checked: int) -> None:
    def chance(wrong: int) -> float:
        return comb(number - wrong, checked) / comb(number, checked)

    found = most_unseen(number, checked, confidence=0.95)
    assert chance(found) > 0.05
    assert found == number - checked or chance(found + 1) <= 0.05


def test_all_or_none_checked() -> None:
    assert most_unseen(5, 5, confidence=0.95) == 0
    assert most_unseen(5, 0, confidence=0.95) == 5


@pytest.mark.parametrize("clean", [1, 2, 10, 50, 1000])
def test_the_rate_is_exact_and_within_the_rule_of_three(clean: int) -> None:
    rate = highest_rate(clean, confidence=0.95)
    assert (1 - rate) ** clean == pytest.approx(0.05)
    assert rate <= 3 / clean


def test_a_verified_share_says_what_could_go_unseen() -> None:
    found = run(sampled(1000, 10)).power
    assert found is not None
    # Of two workers, three of the four first and last cases are outside of the sample.
    assert (found.verified, found.cases) == (100, 1000)
    assert found.unseen == most_unseen(999, 99, confidence=0.95)
    text = " ".join(shown(run(sampled(1000, 10))).split())
    unseen = f"up to {found.unseen} wrong could go unseen (95 %)"
    assert f"100 of 1,000 cases verified, all equal: {unseen}" in text


def test_repeats_say_which_rate_would_have_been_seen() -> None:
    found = run([repeated(case, 50) for case in cases(2)])
    assert found.power is not None
    assert (found.power.unseen, found.power.repeats) == (None, 50)
    text = " ".join(shown(found).split())
    assert "50 clean repeats of each case: a difference that shows in more than 5.8 %" in text


def test_without_a_limit_and_without_clean_results_nothing_is_said() -> None:
    assert run(cases(4)).power is None
    wrong = sampled(20, 2)
    wrong[0] = replace(wrong[0], verdict=Verdict.DIFFERENT)
    assert run(wrong).power is None
    nothing = [replace(case, verdict=Verdict.NOT_VERIFIED, why="verify=0") for case in cases(4)]
    assert run(nothing).power is None


def advice(number: int, serial: float | None, wall: float, **fields: Any) -> str:
    """Return the note on a share for so many cases of so many seconds."""
    made = run(cases(number, serial=serial, workers=12), wall=wall, granted=12, **fields)
    return next((note.text for note in notes(made) if "of the time; verify=" in note.text), "")


def test_a_long_serial_run_gets_the_advice_to_verify_a_share() -> None:
    assert advice(500, 44.5, 1900.0) == (
        "the serial run took 92 % of the time; verify=0.05 would check 25 cases in about 18m32s, "
        "and leave up to 55 wrong ones unseen (95 %)"
    )
    assert "verify=0.25 would check 25 cases" in advice(100, 44.5, 300.0)


def test_there_is_no_such_advice_where_it_would_save_little_or_prove_little() -> None:
    assert advice(500, 44.5, 44.5 * 500) == "", "half of the time"
    assert advice(500, 0.1, 1.0) == "", "a minute at most"
    assert advice(90, 44.5, 300.0) == "", "too few cases for a share"
    assert advice(500, None, 1900.0) == "", "nothing was verified"
