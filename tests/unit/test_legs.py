"""Both legs of a task side by side, where the code of their results never returns."""

from __future__ import annotations

import time

import pytest

from pytest_parwork.equivalence import exact
from pytest_parwork.machine.deadline import Shared
from pytest_parwork.model.comparison import Side
from pytest_parwork.model.outcome import Outcome
from pytest_parwork.verify.legs import SERIAL, Terms, judge
from pytest_parwork.verify.reference import call

TIMEOUT = 0.5


class Endless:
    """A value whose comparison never returns; `ran` are the seconds that each one had."""

    ran: list[float]
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        began = time.perf_counter()
        try:
            while True:
                time.sleep(0.001)
        finally:
            self.ran.append(time.perf_counter() - began)


class EndlessText(Exception):
    def __str__(self) -> str:
        while True:
            time.sleep(0.001)


@pytest.fixture(autouse=True)
def ran() -> list[float]:
    Endless.ran = []
    return Endless.ran


def terms(timeout: float | None) -> Terms:
    return Terms(
        id="case",
        index=0,
        run="run",
        actual=Side(name="threads-2", run="the parallel run"),
        reference=SERIAL,
        policy=exact(),
        timeout=timeout,
    )


def test_all_that_is_done_with_the_results_of_a_case_shares_one_limit(
    ran: list[float],
) -> None:
    shared = terms(Shared.of(TIMEOUT))
    for _ in range(2):
        found = judge(
            shared,
            Outcome(kind="value", value=Endless()),
            lambda: (Outcome(kind="value", value=Endless()), None),
        )
        assert "longer than 0.5 s" in found.entry.mismatches[0].difference
    longest, *others = ran
    assert max(others) < longest / 2, ran
    assert sum(ran) < 2 * TIMEOUT, ran


def test_the_text_of_an_exception_has_what_its_call_has_left() -> None:
    def run() -> None:
        time.sleep(0.4 * TIMEOUT)
        raise EndlessText

    outcome, error = call(run, run="the serial run", timeout=TIMEOUT)
    assert error is None
    assert outcome.lost is not None
    assert outcome.lost.detail.endswith("str() of the exception took longer than 0.5 s")
