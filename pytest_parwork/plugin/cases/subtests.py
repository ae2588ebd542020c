"""The subtests of a case: recorded here, and reported to pytest where only a worker had them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ...model.outcome import Subtest
from ...model.printable import printable
from ...worker.fixtures.subtests import Subtests
from .groups import Case

#: The name of the fixture, of pytest 9 and of pytest-subtests.
SUBTESTS = "subtests"


def record(case: Case, fixturedef: pytest.FixtureDef[Any]) -> None:
    """Put a recorder around the fixture that was just set up for a case."""
    if fixturedef.argname != SUBTESTS or fixturedef.cached_result is None:
        return
    real, key, error = fixturedef.cached_result
    if error is None:
        case.judged.subtests = Subtests(real)
        fixturedef.cached_result = (case.judged.subtests, key, None)


def report_subtests(case: Case, subtests: Sequence[Subtest]) -> None:
    """Let pytest report the subtests of a worker; it fails the case for those that failed."""
    here = case.judged.subtests
    if here is None:
        return
    for subtest in subtests:
        parameters = {name: _Shown(text) for name, text in subtest.parameters}
        with here.test(subtest.message, **parameters):
            failure = subtest.failure
            if failure is not None and subtest.ended == "failed":
                pytest.fail(printable(failure.traceback or failure.text), pytrace=False)
            elif failure is not None:
                pytest.skip(printable(failure.text))


class _Shown:
    """A parameter of which there is only the text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text
