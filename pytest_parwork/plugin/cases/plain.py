"""The tests that are plain: why a test is not fanned out, and where that is no error.

A test that has the marker itself is an error if it cannot be fanned out. One that was reached by an
option, or by a mark around it, is plain: pytest runs it as ever, and it is counted with its reason.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ...machine.abilities import start_methods
from ...model.errors import UsageError
from ..config.options import MARK, is_own_strict
from ..session.reporting import PLAIN_ATTRIBUTE

if TYPE_CHECKING:
    from ...report.plain import PlainEntry
    from .bodies import Body

#: The entry of an item that is plain.
PLAIN: pytest.StashKey[PlainEntry] = pytest.StashKey()


class UnsupportedError(UsageError):
    """A test that cannot be fanned out, or is not to be.

    `reason` is what plain tests are counted by. `is_unsent` says that something could not be sent,
    as opposed to a kind of test that is not for parallel runs; `is_choice` that the suite itself
    keeps the test out, which is no error even of a test that is marked.
    """

    def __init__(
        self, text: str, *, reason: str, is_unsent: bool = False, is_choice: bool = False
    ) -> None:
        super().__init__(text)
        self.reason = reason
        self.is_unsent = is_unsent
        self.is_choice = is_choice


def is_reached(item: pytest.Function) -> bool:
    """Return whether a test is only reached: by an option, or by a mark of its class and the like.

    Marks that a conftest adds to items are not in the source of the function either.
    """
    callspec = getattr(item, "callspec", None)
    own = [*getattr(item.function, "pytestmark", ()), *(callspec.marks if callspec else ())]
    return all(mark.name != MARK for mark in own)


def is_plain_for(item: pytest.Function, error: UsageError) -> bool:
    """Return whether a test that cannot be fanned out is plain because of that, and no error."""
    return is_reached(item) or (isinstance(error, UnsupportedError) and error.is_choice)


def make_plain(
    item: pytest.Item, reason: str, *, detail: str = "", is_unsent: bool = False
) -> None:
    """Let pytest run the item as ever, and count it with this reason."""
    from ...report.plain import PlainEntry  # most suites have few plain tests

    assert item.parent is not None
    id = f"{item.parent.nodeid}::{item.name}"  # without the suffix that xdist adds
    item.stash[PLAIN] = PlainEntry(id=id, reason=reason, detail=detail, is_unsent=is_unsent)


def make_plain_for(item: pytest.Item, error: UsageError) -> None:
    """Let pytest run an item that cannot be fanned out because of this error."""
    if isinstance(error, UnsupportedError):
        reason, is_unsent = error.reason, error.is_unsent
    else:
        reason, is_unsent = str(error).partition(";")[0], False
    make_plain(item, reason, detail=str(error), is_unsent=is_unsent)


def dropping_value(
    body: Body, function: Callable[..., object] | None = None
) -> Callable[..., object]:
    """Return a body that drops the value of another, so that pytest does not warn of it.

    It is returned for a comparison, which is not made; or for a plugin, which gets it.
    """
    original = function or body.function

    @functools.wraps(original)
    def call(**kwargs: object) -> object:
        value = original(**kwargs)
        return value if body.is_taken else None

    return call


def is_unsent(item: pytest.Item) -> bool:
    """Return whether the item is plain because it could not be sent."""
    entry = item.stash.get(PLAIN, None)
    return entry is not None and entry.is_unsent


def note_plain(item: pytest.Item, report: pytest.TestReport) -> None:
    """Let the last report of a plain test carry its entry, unless it was skipped and not run.

    Under --parwork-strict a test fails that could have been fanned out, but was not sent.
    """
    entry = item.stash.get(PLAIN, None)
    if entry is None:
        return
    if report.when == "setup" and report.skipped:
        del item.stash[PLAIN]
    elif report.when == "teardown":
        from ...report.serialising import serialise

        setattr(report, PLAIN_ATTRIBUTE, serialise(entry))
    elif report.when == "call" and report.passed and entry.is_unsent and is_own_strict(item.config):
        report.outcome = "failed"
        report.longrepr = (
            f"NOT SENT, so it ran plainly, which --parwork-strict does not allow: "
            f"{entry.detail or entry.reason}"
        )


def or_in_fork() -> str:
    """Return the second remedy in an error on a fixture; empty if the system has no fork."""
    if "fork" not in start_methods():
        return ""
    return "; or use backend='isolated:fork', where pytest itself runs the case"
