"""How an exception is described where its class and its traceback are not available."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType

from ..machine.deadline import TimedOut
from ..machine.stacks import is_ours
from ..model.errors import PayloadError
from ..model.outcome import Failure, Link
from .pickling import dumps, load

#: Longest text of an exception, of a note, or of a traceback, that is kept.
TEXT_LIMIT = 20_000

#: Limit of the notes of an exception, and of the exceptions in its chain.
MOST = 100

# Read without code of the exception, of its class or of its metaclass, which may raise anything.
_cause: Callable[[BaseException], BaseException | None] = vars(BaseException)["__cause__"].__get__
_context: Callable[[BaseException], BaseException | None]
_context = vars(BaseException)["__context__"].__get__
_has_no_context: Callable[[BaseException], bool]
_has_no_context = vars(BaseException)["__suppress_context__"].__get__
_frames: Callable[[BaseException], TracebackType | None]
_frames = vars(BaseException)["__traceback__"].__get__
_bases: Callable[[type], tuple[type, ...]] = vars(type)["__mro__"].__get__
_module: Callable[[type], object] = vars(type)["__module__"].__get__
_name: Callable[[type], str] = vars(type)["__name__"].__get__
_qualname: Callable[[type], str] = vars(type)["__qualname__"].__get__

#: A failure as stored in a spool: as text, and the pickled exception if it can be pickled.
Record = tuple[Failure, "bytes | None"]


def is_skip(error: BaseException) -> bool:
    """Recognise `pytest.skip()` and `unittest.SkipTest` without importing either."""
    return any(
        (_home_of(cls), _qualname(cls))
        in {("_pytest.outcomes", "Skipped"), ("builtins", "Skipped"), ("unittest.case", "SkipTest")}
        for cls in _bases(type(error))
    )


def describe(error: BaseException, kept: BaseException | None = None) -> Failure:
    """Describe an exception in texts, without its class; `kept` is the object, where it is kept.

    The outermost frames, which are this package's, are omitted.
    """
    frames = _own_frames_removed(_frames(error))
    failure = _describe_one(error)
    try:
        formatted = "".join(traceback.format_exception(type(error), error, frames))
    except BaseException:
        formatted = failure.text
    return replace(
        failure,
        traceback=formatted[-TEXT_LIMIT:],
        exception=kept,
        chain=tuple(_describe_chain(error)),
    )


def _describe_one(error: BaseException) -> Failure:
    """Describe an exception without its chain and without the traceback's text."""
    where, source = None, ""
    summary = traceback.extract_tb(_innermost(_own_frames_removed(_frames(error))), limit=1)
    if summary:
        last = summary[0]
        where, source = (last.filename, last.lineno or 0), last.line or ""
    return Failure(
        type=type_name(type(error)),
        text=_write(error)[:TEXT_LIMIT],
        where=where,
        source=source,
        is_assertion=issubclass(type(error), AssertionError),
        notes=_read_notes(error),
    )


def _write(value: object) -> str:
    try:
        return str.__str__(str(value))  # which may be of a subclass with methods of its own
    except BaseException as inner:
        return f"<no text: str() raised {type(inner).__name__}>"


def _read_notes(error: BaseException) -> tuple[str, ...]:
    try:
        notes = getattr(error, "__notes__", ())  # which may be anything
    except BaseException:  # from a `__getattr__` of its class
        return ()
    if not isinstance(notes, list | tuple):
        notes = (notes,)
    return tuple(_write(note)[:TEXT_LIMIT] for note in notes[:MOST])


def _describe_chain(error: BaseException) -> Iterator[Link]:
    """Yield the exceptions that a traceback shows with this one: causes, contexts, groups."""
    met = {id(error)}
    todo = list(_find_linked(error, ""))
    while todo and len(met) <= MOST:
        path, inner = todo.pop(0)
        if id(inner) not in met:  # a chain may be a ring
            met.add(id(inner))
            yield Link(path=path, failure=_describe_one(inner))
            todo += _find_linked(inner, path)


def _find_linked(error: BaseException, path: str) -> Iterator[tuple[str, BaseException]]:
    if (cause := _cause(error)) is not None:
        yield f"{path}.__cause__", cause
    elif (context := _context(error)) is not None and not _has_no_context(error):
        yield f"{path}.__context__", context
    yield from ((f"{path}.exceptions[{i}]", part) for i, part in enumerate(parts_of(error)))


def parts_of(error: BaseException) -> Sequence[BaseException]:
    """Return the exceptions of an exception group, none if it is no group."""
    if not any(_name(cls) == "BaseExceptionGroup" for cls in _bases(type(error))):
        return ()
    try:
        parts: object = getattr(error, "exceptions", ())
    except BaseException:  # from its class
        return ()
    # That of Python, and the one for Python 3.10, have a tuple; others may have anything.
    if type(parts) is not tuple:
        return ()
    return [part for part in parts if isinstance(part, BaseException)]


def type_name(kind: type) -> str:
    """Return the full name of a class; built-in ones and our errors without their module."""
    home, name = _home_of(kind), _qualname(kind)
    return name if home in ("builtins", PayloadError.__module__) else f"{home}.{name}"


def _home_of(kind: type) -> str:
    try:
        return _write(_module(kind))
    except AttributeError:  # it can be deleted
        return "<unknown>"


def _own_frames_removed(frames: TracebackType | None) -> TracebackType | None:
    while frames is not None and is_ours(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    return frames


def _innermost(frames: TracebackType | None) -> TracebackType | None:
    """Return the last frame outside unittest, whose assertion methods say nothing of the place."""
    found = frames
    while frames is not None:
        if "__unittest" not in frames.tb_frame.f_globals:
            found = frames
        frames = frames.tb_next
    return found


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


def revived(data: bytes | None) -> BaseException | None:
    """Load an exception that `survivor` has pickled; None if that fails in this process.

    Its code may raise anything here, even SystemExit. The texts of the failure are known without.
    """
    if data is None:
        return None
    try:
        error = load(data)
    except (KeyboardInterrupt, TimedOut):
        raise
    except BaseException:
        return None
    return error if isinstance(error, BaseException) else None
