"""When a serial run next to threads is doubtful because it was fast."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_parwork.equivalence import exact
from pytest_parwork.machine.deadline import Shared
from pytest_parwork.model.comparison import Comparison, Side
from pytest_parwork.model.outcome import Outcome
from pytest_parwork.verify.legs import SERIAL, Terms
from pytest_parwork.verify.second_look import LEAST, TIMES, SecondLook

TERMS = Terms(
    id="case",
    index=0,
    run="run",
    actual=Side(name="threads-2", run="the parallel run"),
    reference=SERIAL,
    policy=exact(),
    timeout=None,
)


class Rerun:
    """Keeps what was to be run elsewhere, where nothing can be run."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.limits: list[object] = []
        self.unavailable: dict[int, str] = {}

    def run_elsewhere(self, numbers: object, *_: object, timeout: float, **__: object) -> None:
        self.asked.append(numbers)
        self.limits.append(timeout)
        raise OSError("no process")


def value(seconds: float) -> Outcome:
    return Outcome(kind="value", value=1, started=0.0, ended=seconds)


@pytest.mark.parametrize(
    ("threads", "serial", "is_doubtful"),
    [
        (0.5, 0.001, True),
        (0.5, 0.1, False),  # two threads of Python take turns
        (0.05, 0.0001, False),  # a busy machine stalls a case for as long
    ],
)
def test_only_a_case_of_some_time_is_too_fast(
    threads: float, serial: float, is_doubtful: bool
) -> None:
    rerun: Any = Rerun()
    look = SecondLook(rerun=rerun, briefs=[("value", threads)], find=str, workers=2)  # type: ignore[arg-type]
    look.of(TERMS, 0)(value(threads), value(serial), Comparison())
    assert bool(rerun.asked) is is_doubtful


@pytest.mark.parametrize(
    ("timeout", "limit"),
    [(None, LEAST), (3.0, 3.0), (Shared.of(3.0), 3.0), (60.0, LEAST), (0.5, 0.5)],
)
def test_a_case_may_not_take_longer_there_than_its_timeout(
    timeout: float | None, limit: float
) -> None:
    rerun: Any = Rerun()
    look = SecondLook(rerun=rerun, briefs=[("value", 0.5)], find=str, workers=2)  # type: ignore[arg-type]
    look.of(replace(TERMS, timeout=timeout), 0)(value(0.5), value(0.001), Comparison())
    assert rerun.limits == [limit]
    assert TIMES * 0.5 < LEAST
