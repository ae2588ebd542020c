"""The time limits that others set for a test, which pause while parwork judges it."""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ...machine.clock import now
from ...machine.deadline import pausing_alarm
from ...model.dataclass import dataclass

#: The names of pytest-timeout, by its entry point and by `-p`.
TIMEOUT = ("timeout", "pytest_timeout")

#: At least so many seconds are left to a test after a pause, for its tear-down.
LEAST = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timer:
    """A thread in which pytest-timeout waits, since `began`; `settings` are a tuple of that plugin.

    When its time is over, it ends the process.
    """

    settings: Any
    began: float


class OtherLimits:
    """Follows which timers pytest-timeout has set, a plugin; an alarm needs no such help."""

    def __init__(self) -> None:
        self._home = os.getpid()
        self._timers: dict[pytest.Item, _Timer] = {}

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> object:
        """Note the timer that is about to be set; set none in a fork, where our own limit holds."""
        if os.getpid() != self._home:
            return True
        if settings.method == "thread":
            self._timers[item] = _Timer(settings=settings, began=now())
        return None

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_timeout_cancel_timer(self, item: pytest.Item) -> None:
        """Forget the timer that is about to be cancelled."""
        self._timers.pop(item, None)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Cancel all timers, and set them again, for the rest of their time, after the block."""
        held, paused = dict(self._timers), now()
        for item in held:
            item.ihook.pytest_timeout_cancel_timer(item=item)
        try:
            yield
        finally:
            for item, timer in held.items():
                left = max(timer.began + timer.settings.timeout - paused, LEAST)
                settings = timer.settings._replace(timeout=left)
                item.ihook.pytest_timeout_set_timer(item=item, settings=settings)


_LIMITS = pytest.StashKey[OtherLimits]()


def follow_limits(config: pytest.Config) -> None:
    """Follow the timers of pytest-timeout, if that is installed."""
    if any(map(config.pluginmanager.hasplugin, TIMEOUT)):
        config.stash[_LIMITS] = OtherLimits()
        config.pluginmanager.register(config.stash[_LIMITS], "parwork-other-limits")


@contextmanager
def pausing(config: pytest.Config) -> Iterator[None]:
    """Pause the limits of others; what parwork does to judge a test is no part of the test."""
    stop_dump(config)
    with pausing_alarm():
        if _LIMITS not in config.stash:
            yield
            return
        with config.stash[_LIMITS].paused():
            yield


def stop_dump(config: pytest.Config) -> None:
    """Stop the timer of pytest's `faulthandler_timeout` for the item that is running.

    It has no hook, and may end the process (`faulthandler_exit_on_timeout`).
    """
    if config.pluginmanager.hasplugin("faulthandler") and config.getini("faulthandler_timeout"):
        faulthandler.cancel_dump_traceback_later()
