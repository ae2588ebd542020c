"""Both legs of a task side by side, where the code of their results never returns."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NoReturn

import pytest

from pytest_parwork.equivalence import exact
from pytest_parwork.machine.deadline import Shared
from pytest_parwork.model.comparison import Side
from pytest_parwork.model.outcome import Outcome
from pytest_parwork.verify.legs import SERIAL, Terms, drop, judge
from pytest_parwork.verify.reference import call

TIMEOUT = 0.5


class Endless:
    """A value of which no method returns; `ran` are the methods, with the seconds that they had."""

    ran: list[tuple[str, float]]
    is_kept = True

    def _hang(self, method: str) -> NoReturn:
        began = time.perf_counter()
        try:
            while True:
                time.sleep(0.001)
        finally:
            self.ran.append((method, time.perf_counter() - began))

    def __eq__(self, other: object) -> bool:
        self._hang("eq")

    def __hash__(self) -> int:
        self._hang("hash")

    def __repr__(self) -> str:
        self._hang("repr")

    def __getstate__(self) -> object:
        self._hang("getstate")

    def __del__(self) -> None:
        if not self.is_kept:
            self._hang("del")


class EndlessText(Exception):
    def __str__(self) -> str:
        while True:
            time.sleep(0.001)


@pytest.fixture(autouse=True)
def ran() -> Iterator[list[tuple[str, float]]]:
    Endless.ran = []
    yield Endless.ran
    Endless.is_kept = True


def terms(timeout: float | None) -> Terms:
    return Terms(
        id="case",
        index=0,
        run="run",
        actual=Side(name="threads-2", run="the parallel run"),
        reference=SERIAL,
        policy=exact(),
        timeout=timeout,
        is_recorded=True,
    )


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_all_that_is_done_with_a_result_shares_one_limit(ran: list[tuple[str, float]]) -> None:
    shared = terms(Shared.of(TIMEOUT))
    found = judge(
        shared,
        Outcome(kind="value", value=Endless()),
        lambda: (Outcome(kind="value", value=Endless()), None),
    )
    assert "longer than 0.5 s" in found.entry.mismatches[0].difference
    assert found.entry.result is not None
    assert found.entry.result.digest is None
    Endless.is_kept = False
    assert not drop(found, shared)
    seconds = dict(ran)
    assert seconds["del"] < seconds["eq"] / 2, ran
    assert sum(seconds.values()) < 2 * TIMEOUT, ran


def test_the_text_of_an_exception_has_what_its_call_has_left() -> None:
    def run() -> None:
        time.sleep(0.4 * TIMEOUT)
        raise EndlessText

    outcome, error = call(run, run="the serial run", timeout=TIMEOUT)
    assert error is None
    assert outcome.lost is not None
    assert outcome.lost.detail.endswith("str() of the exception took longer than 0.5 s")
