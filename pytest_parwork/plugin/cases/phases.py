"""What came of a case around its body, in both runs: set-up, tear-down, what a worker refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import pytest

from ...equivalence import compare_tear_downs
from ...model.comparison import Comparison
from ...model.errors import FixtureError, PayloadError
from ...model.outcome import Failure, Outcome
from ...transport.failures import describe, is_skip
from ...worker.fixtures.ended import leaves
from ..compat import is_torn_here
from .groups import Case
from .refusals import or_in_fork

__all__ = ["compare_phases", "masked", "outcome_of_setup", "refusal", "refusal_behind"]

#: A `tmp_path` on another machine than that of pytest.
ELSEWHERE = r"[^\s'\"]*/parwork-\w{8}\b"


def outcome_of_setup(error: BaseException) -> Outcome:
    """Return the outcome of a case whose set-up raised."""
    kind: Literal["skip", "failure"] = "skip" if is_skip(error) else "failure"
    return Outcome(kind=kind, failure=describe(error, error), phase="setup")


def compare_phases(case: Case, call: pytest.CallInfo[None]) -> Comparison:
    """Compare what the tear-down raised here, in fixtures of the case alone, and in its worker."""
    error = call.excinfo.value if call.excinfo is not None else None
    here = [] if error is None else [leaf for leaf in leaves(error) if is_torn_here(leaf)]
    expected = [describe(leaf, leaf) for leaf in here]
    plan = case.plan
    return compare_tear_downs(case.torn or (), expected, plan.policy, seconds=plan.timeout)


def refusal(case: Case, parallel: Outcome) -> str:
    """Return why a worker cannot have the fixtures of a case, empty if it can."""
    failure = parallel.failure
    if failure is None:
        return ""
    if failure.type == FixtureError.__name__:
        return failure.text + or_in_fork()
    if failure.type == PayloadError.__name__ and parallel.started is None and case.sent is not None:
        for name in case.sent.wide:
            if failure.text.startswith(argument := f"argument {name!r} "):
                return (
                    f"the fixture {name!r} {failure.text.removeprefix(argument)}. Give it function "
                    f"scope, so that it is made where the case runs{or_in_fork()}"
                )
    return ""


def refusal_behind(torn: Sequence[Failure]) -> str:
    """Return why a worker could not tear down the fixtures of a case, empty if it could."""
    for failure in torn:
        if failure.type == FixtureError.__name__:
            return failure.text + or_in_fork()
    return ""


def masked(case: Case, parallel: Outcome, serial: Outcome) -> tuple[Outcome, Outcome]:
    """Return both outcomes without the names of their folders in the texts of failures.

    Each run has a folder of its own, whose name says nothing of the code.
    """
    if not case.folder:
        return parallel, serial
    here = str(case.item.funcargs.get("tmp_path", "\0"))
    return (
        _without(parallel, rf"{re.escape(case.folder)}\d*", ELSEWHERE),
        _without(serial, re.escape(here)),
    )


def _without(outcome: Outcome, *folders: str) -> Outcome:
    if outcome.failure is None:
        return outcome
    text = outcome.failure.text
    for folder in folders:
        text = re.sub(folder, "<tmp_path>", text)
    if text == outcome.failure.text:
        return outcome
    return replace(outcome, failure=replace(outcome.failure, text=text, exception=None))
