"""What an outcome can be known by in another session: a short text and a digest."""

from __future__ import annotations

import time

import numpy as np
import pytest

from pytest_parwork.equivalence.digest import digest
from pytest_parwork.model.outcome import Failure, Outcome
from pytest_parwork.report.entries import Result, result_of
from pytest_parwork.report.values import carry


def of(value: object, seconds: float | None = None) -> Result:
    return result_of(Outcome(kind="value", value=value), seconds=seconds)


def test_a_value_has_its_text_and_the_digest_of_its_equals() -> None:
    found = digest({"n": 1.5})
    assert found is not None
    expected = Result(kind="value", text="{'n': 1.5}", digest=found.hex(), value=carry({"n": 1.5}))
    assert of({"n": 1.5}) == expected


def test_a_large_value_has_a_text_of_one_bounded_line() -> None:
    result = of(np.arange(10.0**5).reshape(-1, 10))
    assert len(result.text) <= 120
    assert "\n" not in result.text
    assert result.digest == of(np.arange(10.0**5).reshape(-1, 10)).digest


class Own:
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Own)

    __hash__ = None  # type: ignore[assignment]  # equal by what it says


def test_where_nothing_tells_there_is_no_digest() -> None:
    result = of(Own())
    assert (result.kind, result.digest) == ("value", None)
    assert result.text == "<test_report_results.Own>"


@pytest.mark.parametrize(
    ("kind", "text"), [("failure", "ValueError: no \\x1b[2J root"), ("skip", "Skipped: later")]
)
def test_a_failure_and_a_skip_have_their_text(kind: str, text: str) -> None:
    name, _, message = text.replace("\\x1b", "\x1b").partition(": ")
    failure = Failure(type=name, text=message)
    outcome = Outcome(kind=kind, failure=failure)  # type: ignore[arg-type]  # one of two literals
    assert result_of(outcome, seconds=None) == Result(kind=outcome.kind, text=text)


class Endless:
    def __repr__(self) -> str:
        for _ in range(3000):
            time.sleep(0.01)
        return "it had an end"


def test_a_value_whose_code_does_not_end_has_the_time_of_its_case() -> None:
    started = time.perf_counter()
    result = of(Endless(), seconds=0.2)
    assert result == Result(kind="value")
    assert time.perf_counter() - started < 20  # of thirty
