"""The phases around the body of a case in both runs: set-up, tear-down."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any, Literal

import pytest

from ...equivalence import compare_tear_downs
from ...machine.clock import now
from ...model.comparison import Comparison
from ...model.outcome import Failure, Outcome
from ...transport.failures import describe, is_skip
from ...worker.capture.warned import UNCAUGHT
from ...worker.fixtures.ended import leaves
from ...worker.seeding import reseed_setup
from ..cases.groups import CASE, Case
from ..cases.subtests import record
from ..compat import is_torn_here
from ..sending.seeding import randomly_seed_of

#: A `tmp_path` on another machine than pytest's.
ELSEWHERE = r"[^\s'\"]*/parwork-\w{8}\b"


#: The scopes of which an item itself may be the node: class scope is, outside of a class.
_OF_ITEMS = ("function", "class")


def outcome_of_setup(error: BaseException) -> Outcome:
    """Return the outcome of a case whose set-up raised."""
    kind: Literal["skip", "failure"] = "skip" if is_skip(error) else "failure"
    return Outcome(kind=kind, failure=describe(error, error), phase="setup")


def compare_phases(case: Case, torn: Sequence[Failure], call: pytest.CallInfo[None]) -> Comparison:
    """Compare the errors of function-scoped tear-downs here with those in the worker."""
    error = call.excinfo.value if call.excinfo is not None else None
    here = [] if error is None else [leaf for leaf in leaves(error) if _is_of_case(case, leaf)]
    expected = [describe(leaf, leaf) for leaf in here]
    return compare_tear_downs(torn, expected, case.plan.policy, seconds=case.limit)


def _is_of_case(case: Case, error: BaseException) -> bool:
    """Return whether an exception is one of the tear-down of a case.

    One that nobody caught was compared with the body, but pytest raises it here if the body failed.
    """
    if case.fixtures is not None and not case.fixtures.by_pytest:
        kind = type(error)
        if (kind.__module__, kind.__qualname__) in UNCAUGHT:
            return False
    return is_torn_here(error, case.item)


def masked(case: Case, parallel: Outcome, serial: Outcome) -> tuple[Outcome, Outcome]:
    """Return both outcomes with the names of their folders masked in the texts of failures.

    Each run has a folder of its own, whose name is not a result of the code.
    """
    if not case.sent.folder:
        return parallel, serial
    here = str(case.item.funcargs.get("tmp_path", "\0"))
    return (
        without_folders(parallel, rf"{re.escape(case.sent.folder)}\d*", ELSEWHERE),
        without_folders(serial, re.escape(here)),
    )


def without_folders(outcome: Outcome, *folders: str) -> Outcome:
    """Return the outcome with folders, given as regular expressions, masked in its failure."""
    if outcome.failure is None:
        return outcome
    text = outcome.failure.text
    for folder in folders:
        text = re.sub(folder, "<tmp_path>", text)
    if text == outcome.failure.text:
        return outcome
    return replace(outcome, failure=replace(outcome.failure, text=text, exception=None))


class SettingUp:
    """A plugin that times the set-up of function-scoped fixtures here, and keeps its error.

    It is registered only in sessions with such fixtures, because pytest calls the hook for every
    parameter too.
    """

    def __init__(self) -> None:
        self._case: Case | None = None
        self._seeded: Case | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        """Record seconds and error on the case; nested requests are part of the outer fixture."""
        __tracebackhide__ = True
        case = request.node.stash.get(CASE, None) if fixturedef.scope in _OF_ITEMS else None
        if case is None or case.fixtures is None or case is self._case:
            return (yield)
        self._case = case
        self._reseed(case)
        began = now()
        try:
            value = yield
            record(case, fixturedef)
            return value
        except BaseException as error:
            case.judged.broken = error
            raise
        finally:
            case.judged.setup_seconds += now() - began
            self._case = None

    def _reseed(self, case: Case) -> None:
        """Seed before the first fixture: pytest-randomly's seed differs by configuration."""
        if case is not self._seeded:
            self._seeded = case
            seed = randomly_seed_of(case)
            if seed is not None:
                reseed_setup(seed)
