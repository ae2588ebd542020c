"""How an exception is told where neither its class nor its traceback can go."""

from __future__ import annotations

import traceback
from types import TracebackType

from ..machine.stacks import is_ours
from ..model.errors import PayloadError
from ..model.outcome import Failure
from .pickling import dumps, load

__all__ = ["TEXT_LIMIT", "Record", "describe", "is_skip", "survivor"]

#: Longest text of an exception, or of its traceback, that is kept.
TEXT_LIMIT = 20_000

#: A failure as it stands in a spool: as text, and the pickled exception if it survives that.
Record = tuple[Failure, "bytes | None"]


def is_skip(error: BaseException) -> bool:
    """Recognise `pytest.skip()` and `unittest.SkipTest` without importing either."""
    return any(
        (cls.__module__, cls.__qualname__)
        in {("_pytest.outcomes", "Skipped"), ("builtins", "Skipped"), ("unittest.case", "SkipTest")}
        for cls in type(error).__mro__
    )


def describe(error: BaseException, kept: BaseException | None = None) -> Failure:
    """Put an exception into words that need no class of it; `kept` is the object, where it stays.

    Frames of this package, at the outer end, are left out.
    """
    frames = _own_frames_removed(error.__traceback__)
    where, source = None, ""
    summary = traceback.extract_tb(frames)
    if summary:
        last = summary[-1]
        where, source = (last.filename, last.lineno or 0), last.line or ""
    try:
        text = str(error)
    except BaseException as inner:
        text = f"<its text cannot be had: {type(inner).__name__}>"
    try:
        told = "".join(traceback.format_exception(type(error), error, frames))
    except BaseException:
        told = text
    return Failure(
        type=_type_name(type(error)),
        text=text[:TEXT_LIMIT],
        traceback=told[-TEXT_LIMIT:],
        where=where,
        source=source,
        is_assertion=isinstance(error, AssertionError),
        exception=kept,
    )


def _type_name(kind: type) -> str:
    """Name a class in full, but for the built-in ones and our errors."""
    name = f"{kind.__module__}.{kind.__qualname__}"
    return name.removeprefix("builtins.").removeprefix(f"{PayloadError.__module__}.")


def _own_frames_removed(frames: TracebackType | None) -> TracebackType | None:
    while frames is not None and is_ours(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    return frames


def survivor(error: BaseException) -> bytes | None:
    """Pickle an exception if it comes back from its pickle as it was, else None."""
    try:
        data = dumps(error)
        back = load(data)
        # An __init__ that makes a text of its arguments is given that text, and adds to it.
        is_same = type(back) is type(error) and str(back) == str(error)
    except BaseException:
        return None
    return data if is_same else None
