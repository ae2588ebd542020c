"""How numbers, counts and long texts read."""

from __future__ import annotations

import pytest

from pytest_parwork.model.listing import shorten
from pytest_parwork.report.figures import counted, digits, duration, percent, ratio


@pytest.mark.parametrize(
    ("times", "least", "text"),
    [
        (1.196, 1.2, "1.196x"),
        (1.1, 1.2, "1.10x"),
        (119.97, 120, "119.97x"),
        (0.9999999, 1, "0.9999999x"),
        (1.3, 1.2, "1.30x"),
    ],
)
def test_a_ratio_below_another_has_the_digits_that_show_it(
    times: float, least: float, text: str
) -> None:
    assert ratio(times, below=least) == text


@pytest.mark.parametrize(
    ("number", "text"), [(2.0, "2"), (1.2, "1.2"), (1e9, "1e+09"), (1.2345678, "1.2345678")]
)
def test_a_number_of_a_user_has_all_its_digits(number: float, text: str) -> None:
    assert digits(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.0, "0us"),
        (0.000_000_4, "<1us"),
        (0.000_02, "20us"),
        (0.000_999_6, "1.0ms"),
        (0.0012, "1.2ms"),
        (0.009_96, "0.01s"),
        (0.31, "0.31s"),
        (31.1, "31.10s"),
        (59.996, "1m00s"),
        (2000, "33m20s"),
        (3599.7, "1h00m"),
        (22_260, "6h11m"),
    ],
)
def test_a_duration_has_the_unit_that_suits_it(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("times", "text"),
    [
        (None, "-"),
        (0.0042, "0.004x"),
        (0.06, "0.06x"),
        (1.742, "1.74x"),
        (9.996, "10.0x"),
        (11.13, "11.1x"),
        (99.96, "100x"),
    ],
)
def test_a_ratio_has_about_three_digits(times: float | None, text: str) -> None:
    assert ratio(times) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.001, "<1 %"), (0.944, "94 %"), (0.999, "99 %"), (1, "100 %"), (1.04, "104 %")],
)
def test_only_a_whole_is_a_hundred_percent(share: float, text: str) -> None:
    assert percent(share) == text


def test_one_is_singular() -> None:
    assert [counted(number, "case") for number in (0, 1, 2)] == ["0 cases", "1 case", "2 cases"]


def test_a_long_text_loses_its_middle_and_an_id_its_start() -> None:
    assert shorten("3.14159265358979", 20) == "3.14159265358979"
    assert shorten("3.14159265358979", 11) == "3.14...8979"
    assert shorten("tests/deep/test_a.py::test_b", 20, keep_end=True) == "...test_a.py::test_b"


def test_a_text_of_several_lines_becomes_one() -> None:
    assert shorten("array([[1, 2],\n       [3, 4]])", 40) == "array([[1, 2], [3, 4]])"
