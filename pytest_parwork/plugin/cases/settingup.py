"""What the fixtures of function scope of a case do here: how long they take, what one raises."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from ...machine.clock import now
from ...worker.seeding import reseed_setup
from .company import seed_of
from .groups import CASE, Case

__all__ = ["SettingUp"]


class SettingUp:
    """A plugin for sessions with such cases: pytest makes a fixture of every parameter too."""

    def __init__(self) -> None:
        self._case: Case | None = None
        self._seeded: Case | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        """Note both on the case; what a fixture asks for while it is made is a part of it."""
        __tracebackhide__ = True
        case = request.node.stash.get(CASE, None) if fixturedef.scope == "function" else None
        if case is None or case.stage is None or case is self._case:
            return (yield)
        self._case = case
        self._reseed(case)
        began = now()
        try:
            return (yield)
        except BaseException as error:
            case.broken = error
            raise
        finally:
            case.setup_seconds += now() - began
            self._case = None

    def _reseed(self, case: Case) -> None:
        """Seed before the first of them: pytest-randomly has, but for this configuration alone."""
        if case is not self._seeded:
            self._seeded = case
            seed = seed_of(case)
            if seed is not None:
                reseed_setup(seed)
