"""Cases without a parallel outcome to compare: lost or not sent, with the reasons and messages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ...model.errors import BackendError, FixtureError, LostError, ParworkError, PayloadError
from ...model.outcome import Failure, NotSent, Outcome
from ...report.entries import CaseEntry
from ...verify.legs import SERIAL
from ..cases.groups import CASE, Case
from ..cases.plain import is_reached, make_plain, or_in_fork

if TYPE_CHECKING:
    from .scenes import Scenes


def outcome_of(case: Case, number: int) -> Outcome:
    """Load the outcome of a task in the parallel run; not sent if there was no run."""
    if case.sent.run is None:
        if case.sent.trouble:
            why = NotSent(reason="backend", detail=case.sent.trouble)
        else:
            detail = "its fixtures could not be set up for the parallel run"
            why = NotSent(reason="argument", detail=detail)
        return Outcome(kind="not_sent", not_sent=why)
    actual = case.take(number)
    return actual if actual.not_sent is None else _naming_fixture(case, actual, actual.not_sent)


def _naming_fixture(case: Case, actual: Outcome, why: NotSent) -> Outcome:
    """Return the outcome of a case; an argument that cannot be sent may be that of a fixture."""
    run = case.sent.run
    if run is None or why.reason != "argument" or why.name not in run.wide:
        return actual
    detail = f"the fixture {why.name!r} {why.detail.removeprefix(f'argument {why.name!r} ')}"
    remedy = f"give it function scope, so that it is set up in the worker{or_in_fork()}"
    return replace(actual, not_sent=replace(why, detail=detail, remedy=remedy))


#: The reasons by which plain cases are counted that would be NOT_SENT if they were marked.
_UNSENT = {
    "argument": "arguments that cannot be sent",
    "result": "results that cannot be sent",
    "backend": "a backend that cannot start",
}

#: The same for a module that raises when it is imported anew: one reason for all its cases.
_UNIMPORTABLE = "modules that a worker cannot import"

#: The text of the error for a name that the module does not have in a worker.
_MISSING = re.compile(r"module 'pytest' has no attribute '(\w+)'")

#: The same for a fixture that a worker cannot set up, as it found out while it tried.
_UNSUPPORTED = "fixtures that a worker cannot set up"


def leave_unsent(case: Case) -> bool:
    """Let a case be plain that was not sent and was only reached; False if it is no such case."""
    if case.judged.entry is not None or not case.is_absent or not is_reached(case.item):
        return False
    if case.sent.run is None:
        why: NotSent | None = NotSent(reason="backend", detail=case.sent.trouble)
    else:
        tasks = map(case.sent.run.outcomes.without_value, case.sent.numbers)
        why = next((task.not_sent for task in tasks if task.not_sent is not None), None)
    if why is None:
        return False
    _leave(case, _UNSENT[why.reason], why.detail)
    return True


def leave_rejected(case: Case, why: str) -> bool:
    """Let a case be plain that a worker rejected and was only reached; False if it is not."""
    if not is_reached(case.item):
        return False
    _leave(case, _UNSUPPORTED, why)
    return True


def leave_unusable(case: Case, actual: Outcome) -> bool:
    """Let a case be plain that no worker could begin and that was only reached; else False."""
    if why := rejection(actual):
        return leave_rejected(case, why)
    failure = actual.failure
    if failure is None or not is_reached(case.item) or not _failed_to_import(case, actual):
        return False
    _leave(case, _UNIMPORTABLE, f"{failure.type}: {failure.text}")
    return True


def _failed_to_import(case: Case, actual: Outcome) -> bool:
    """Return whether the module of the test raised when the worker imported it."""
    traceback = actual.failure.traceback if actual.failure is not None else ""
    module = re.search(
        rf'File "{re.escape(str(case.item.path))}", line \d+, in <module>', traceback
    )
    return module is not None


def _leave(case: Case, reason: str, detail: str) -> None:
    make_plain(case.item, reason, detail=detail, is_unsent=True)
    del case.item.stash[CASE]  # so that none of our hooks touches it any more
    case.judged.entry = None
    if case.group.expected:
        case.group.expected -= 1


def rejection(actual: Outcome) -> str:
    """Return why a worker does not support the fixtures of a case, empty if it does.

    So it is with the names that plugins add to pytest's namespace: `pytest.assume`.
    """
    if actual.failure is None:
        return ""
    missing = _MISSING.fullmatch(actual.failure.text)
    if missing is not None and hasattr(pytest, missing[1]):
        return (
            f"a plugin has added {missing[1]!r} to the module 'pytest' of the process that runs "
            f"pytest, which this worker, no fork of it, does not have; use processes:fork"
        )
    return _rejection([actual.failure])


def rejection_of_tear_down(torn: Sequence[Failure]) -> str:
    """Return why a worker could not tear down the fixtures of a case, empty if it could."""
    return _rejection(torn)


def _rejection(failures: Sequence[Failure]) -> str:
    for failure in failures:
        if failure.type == FixtureError.__name__:
            return failure.text + or_in_fork()
    return ""


def message_of(case: Case, scenes: Scenes, *, has_others: bool = False) -> str:
    """Return the message of a case that has no outcome in one of the runs.

    With `has_others`, that of a lost one says what became of the other cases of the run.
    """
    from ...report.message import lost_message, not_sent_message  # most sessions write none
    from .scenes import alongside, serially

    entry, run = case.judged.entry, case.sent.run
    assert entry is not None
    shared = entry.not_sent
    if entry.lost is not None and entry.lost["reason"] == "backend":
        shared = entry.lost
    # One reason may hold for all cases, such as a backend that cannot start.
    if shared is not None and (like := scenes.like(case, str(shared["detail"]))):
        return f"{entry.verdict}: as in {like}"
    if entry.not_sent is not None:
        return not_sent_message(entry, serially(case), reference=SERIAL.name)
    others = run.others(case.sent.shown) if has_others and run is not None else None
    return lost_message(
        entry,
        serially(case),
        reference=SERIAL.name,
        others=others,
        alongside=alongside(case),
    )


def error_of(entry: CaseEntry) -> type[ParworkError]:
    """Return the class of the error to raise for a case that has no outcome in one of the runs."""
    if entry.not_sent is None:
        return LostError
    return BackendError if entry.not_sent["reason"] == "backend" else PayloadError
