"""How an exception is described where its class and its traceback are not available."""

from __future__ import annotations

import traceback
from types import TracebackType

from ..machine.stacks import is_ours
from ..model.errors import PayloadError
from ..model.outcome import Failure
from .pickling import dumps, load

#: Longest text of an exception, or of its traceback, that is kept.
TEXT_LIMIT = 20_000

#: A failure as stored in a spool: as text, and the pickled exception if it can be pickled.
Record = tuple[Failure, "bytes | None"]


def is_skip(error: BaseException) -> bool:
    """Recognise `pytest.skip()` and `unittest.SkipTest` without importing either."""
    return any(
        (cls.__module__, cls.__qualname__)
        in {("_pytest.outcomes", "Skipped"), ("builtins", "Skipped"), ("unittest.case", "SkipTest")}
        for cls in type(error).__mro__
    )


def describe(error: BaseException, kept: BaseException | None = None) -> Failure:
    """Describe an exception in texts, without its class; `kept` is the object, where it is kept.

    The outermost frames, which are this package's, are omitted.
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
        text = f"<no text: str() raised {type(inner).__name__}>"
    try:
        formatted = "".join(traceback.format_exception(type(error), error, frames))
    except BaseException:
        formatted = text
    return Failure(
        type=_type_name(type(error)),
        text=text[:TEXT_LIMIT],
        traceback=formatted[-TEXT_LIMIT:],
        where=where,
        source=source,
        is_assertion=isinstance(error, AssertionError),
        exception=kept,
    )


def _type_name(kind: type) -> str:
    """Return the full name of a class; built-in ones and our errors without their module."""
    module, name = f"{kind.__module__}", f"{kind.__qualname__}"
    return name if module in ("builtins", PayloadError.__module__) else f"{module}.{name}"


def _own_frames_removed(frames: TracebackType | None) -> TracebackType | None:
    while frames is not None and is_ours(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    return frames


def survivor(error: BaseException) -> bytes | None:
    """Return the pickle of an exception if it loads unchanged, else None."""
    try:
        data = dumps(error)
        back = load(data)
        # An __init__ that formats its arguments gets the formatted text at loading, and adds to it.
        is_same = type(back) is type(error) and str(back) == str(error)
    except BaseException:
        return None
    return data if is_same else None
