"""When a serial run next to threads is doubtful because it was fast."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_parwork.model.comparison import Comparison
from pytest_parwork.model.outcome import Outcome
from pytest_parwork.verify.second_look import SecondLook

NOTHING: Any = None


class Rerun:
    """Keeps what was to be run elsewhere, where nothing can be run."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.unavailable: dict[int, str] = {}

    def run_elsewhere(self, numbers: object, *_: object, **__: object) -> None:
        self.asked.append(numbers)
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
    look.of(NOTHING, 0)(value(threads), value(serial), Comparison())
    assert bool(rerun.asked) is is_doubtful
