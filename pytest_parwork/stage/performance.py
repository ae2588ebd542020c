"""All cases of a test that has fixtures of function scope, one call for each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from os import getpid

from ..carrying import end_copy_of
from ..reseeding import reseed, reseed_setup
from .ended import Phase, conclude
from .finding import Found, find
from .play import Play
from .recipe import Role, Stage

__all__ = ["Performance"]


class Performance:
    """Perform a case of a test; travels once for all of them."""

    __slots__ = ("_found", "_stage")

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._found: Found | None = None

    def __reduce__(self) -> tuple[Callable[[Stage], Performance], tuple[Stage]]:
        return _arrive, (self._stage,)

    def find(self) -> Found:
        """Import what the stage names, once."""
        if self._found is None:
            self._found = find(self._stage)
        return self._found

    def __call__(self, role: Role, /, **given: object) -> object:
        """Set up, call the body, tear down; return or raise what the body gave.

        Raises `Ended` with that inside if the set-up or the tear-down failed.
        """
        play = Play(self._stage, self.find(), role, given)
        process = getpid()
        with play.alone():
            value, error = None, None
            phase: Phase = "setup"
            try:
                if role.seed is not None:
                    reseed_setup(role.seed)
                play.set_up()
                phase = "call"
                if role.seed is not None:
                    reseed(role.seed)
                value = play.call()
            except BaseException as caught:
                error = caught
                play.has_failed = True
            end_copy_of(process)  # before it tears down what is the original's
            torn = play.tear_down()
        try:
            return conclude(phase, value, error, torn)
        finally:
            del error, torn, play  # each of them knows this frame


def _arrive(stage: Stage) -> Performance:
    performance = Performance(stage)
    with suppress(BaseException):  # each case that needs it will tell
        performance.find()  # now, because imports belong to the start of a worker
    return performance
