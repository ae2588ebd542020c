"""Both legs of a task side by side, where the code of their results never returns."""

from __future__ import annotations

import gc
import time
import weakref

import pytest

from pytest_parwork.equivalence import exact
from pytest_parwork.machine.deadline import Shared, TimedOut
from pytest_parwork.model.comparison import Side
from pytest_parwork.model.outcome import Outcome, Verdict
from pytest_parwork.verify.legs import SERIAL, Terms, drop, judge
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


class Silent:
    """A value none of whose methods return, so that it is interrupted again and again."""


def never(*_: object) -> None:
    while True:
        time.sleep(0.001)


for name in ("eq", "hash", "repr", "str", "bool", "len", "iter"):
    setattr(Silent, f"__{name}__", never)


def test_no_cycle_keeps_results_whose_comparison_was_interrupted() -> None:
    shared = terms(Shared.of(TIMEOUT))
    actual, expected = Silent(), Silent()
    kept = [weakref.finalize(actual, int), weakref.finalize(expected, int)]
    outcomes = [Outcome(kind="value", value=value) for value in (actual, expected)]
    del actual, expected
    gc.disable()
    try:
        found = judge(shared, outcomes.pop(0), lambda: (outcomes.pop(), None))
        assert found.entry.verdict is Verdict.DIFFERENT
        assert drop(found, shared)
        assert not any(one.alive for one in kept)
    finally:
        gc.enable()


def test_a_comparison_is_left_as_soon_as_its_limit_ends() -> None:
    """It used to go on, with the next alarm in its clean-up: a frame and its exception stayed."""

    class Late:
        def __eq__(self, other: object) -> bool:
            raise TimedOut

        __hash__ = None  # type: ignore[assignment]

    with pytest.raises(TimedOut):
        exact()(Late(), Late())
