"""Rows of outcomes of tasks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_parwork.model.outcome import Failure, Outcome
from pytest_parwork.transport.failures import describe

from .making import cause, note
from .row import Row

__all__ = ["ROWS", "failure", "skip", "value"]


def value(result: object) -> Outcome:
    return Outcome(kind="value", value=result)


def failure(error: BaseException, *, has_exception: bool = True, **facts: Any) -> Outcome:
    described = describe(error, error if has_exception else None)
    return Outcome(kind="failure", failure=replace(described, **facts))


def noted(*notes: str) -> Exception:
    error = OSError("x")
    for text in notes:
        note(error, text)
    return error


def noted_badly(notes: object) -> Exception:
    error = OSError("x")
    vars(error)["__notes__"] = notes
    return error


class Reading(Exception):
    """An exception whose missing attributes raise."""

    def __getattr__(self, name: str) -> object:
        raise KeyError(name)


def attributed(code: object) -> Exception:
    error = OSError("x")
    vars(error)["code"] = code
    return error


def chained(inner: Exception) -> Exception:
    """Return an exception as `raise … from inner` makes it."""
    return cause(OSError("x"), inner)


def during(inner: Exception) -> Exception:
    """Return an exception that was raised while `inner` was handled."""
    error = OSError("x")
    error.__context__ = inner
    return error


def hidden(inner: Exception) -> Exception:
    """Return an exception as `raise … from None` makes it."""
    error = during(inner)
    error.__suppress_context__ = True
    return error


class BaseExceptionGroup(Exception):  # as that of Python 3.11 and its backport
    exceptions: tuple[Exception, ...] = ()


def group(*exceptions: Exception) -> Exception:
    error = BaseExceptionGroup("g")
    error.exceptions = exceptions
    return error


def ring() -> Exception:
    """Return an exception whose cause has it as its own context."""
    inner = ValueError("y")
    inner.__context__ = error = chained(inner)
    return error


def made(base: type[Exception], **contents: object) -> Exception:
    """Return an exception of a class that nobody can import, of a given base."""
    cls = type("Made", (base,), {"__module__": __name__, **contents})
    return cls("x")  # type: ignore[no-any-return]


def skip(reason: str) -> Outcome:
    return Outcome(kind="skip", failure=Failure(type="Skipped", text=reason))


E = "exception"
HERE, THERE = ("test_a.py", 3), ("test_a.py", 4)
ADDRESS, OTHER_ADDRESS = OSError("<A object at 0x7f001111>"), OSError("<A object at 0x7f3344>")
NUMBER, OTHER_NUMBER = ValueError("checksum 0xdeadbeef"), ValueError("checksum 0x0000cafe")

ROWS = (
    Row("values", value([1]), value([1])),
    Row("other values", value(3), value(4), "value"),
    Row("value and failure", value(3), failure(ValueError("bad")), "outcome"),
    Row("an exception returned and raised", value(OSError()), failure(OSError()), "outcome"),
    Row("value and skip", value(None), skip("no GPU"), "outcome"),
    Row("failure and skip", failure(ValueError("bad")), skip("bad"), "outcome"),
    Row("skips", skip("no GPU"), skip("no GPU")),
    Row("skips for other reasons", skip("no GPU"), skip("no network"), note="skip-reason"),
    Row("skips with addresses", skip("no <A at 0x7f0011>"), skip("no <A at 0x7f3344>")),
    Row("skips with other numbers", skip("0xdeadbeef"), skip("0x0000cafe"), note="skip-reason"),
    Row("failures with other numbers", failure(NUMBER), failure(OTHER_NUMBER), "exception"),
    Row(
        "failures with other numbers as text",
        failure(NUMBER, has_exception=False),
        failure(OTHER_NUMBER, has_exception=False),
        "exception",
    ),
    Row("notes", failure(noted("a", "b")), failure(noted("a", "b"))),
    Row("other notes", failure(noted("a", "b")), failure(noted("a", "c")), "exception"),
    Row("notes and none", failure(noted("a")), failure(noted()), "exception"),
    Row("notes in another order", failure(noted("a", "b")), failure(noted("b", "a")), "exception"),
    Row("notes with addresses", failure(noted(str(ADDRESS))), failure(noted(str(OTHER_ADDRESS)))),
    Row("notes with other numbers", failure(noted("0xdeadbeef")), failure(noted("0x00c0de")), E),
    Row("notes that cannot be read", failure(Reading("a")), failure(Reading("a"))),
    Row("notes that are no list", failure(noted_badly(3)), failure(noted_badly(3))),
    Row("other notes that are no list", failure(noted_badly(3)), failure(noted_badly(4)), E),
    Row("causes", failure(chained(KeyError("a"))), failure(chained(KeyError("a")))),
    Row(
        "other texts of causes", failure(chained(KeyError("a"))), failure(chained(KeyError("b"))), E
    ),
    Row("other types of causes", failure(chained(KeyError(1))), failure(chained(IndexError(1))), E),
    Row("cause and none", failure(chained(KeyError("a"))), failure(OSError("x")), "exception"),
    Row("cause and context", failure(chained(KeyError(1))), failure(during(KeyError(1))), E),
    Row("notes of causes", failure(chained(noted("a"))), failure(chained(noted("b"))), "exception"),
    Row("causes with addresses", failure(chained(ADDRESS)), failure(chained(OTHER_ADDRESS))),
    Row("causes with other numbers", failure(chained(NUMBER)), failure(chained(OTHER_NUMBER)), E),
    Row("contexts", failure(during(KeyError("a"))), failure(during(KeyError("a")))),
    Row("other contexts", failure(during(KeyError("a"))), failure(during(KeyError("b"))), E),
    Row("contexts from None", failure(hidden(KeyError("a"))), failure(hidden(KeyError("b")))),
    Row("causes of causes", failure(chained(chained(NUMBER))), failure(chained(chained(NUMBER)))),
    Row(
        "other causes of causes",
        failure(chained(chained(NUMBER))),
        failure(chained(chained(OTHER_NUMBER))),
        "exception",
    ),
    Row("longer chain", failure(chained(chained(NUMBER))), failure(chained(OSError("x"))), E),
    Row("groups", failure(group(KeyError("a"))), failure(group(KeyError("a")))),
    Row("groups of others", failure(group(KeyError("a"))), failure(group(KeyError("b"))), E),
    Row("groups of other sizes", failure(group(KeyError("a"))), failure(group()), E),
    Row(
        "groups with other causes", failure(group(chained(NUMBER))), failure(group(OSError("x"))), E
    ),
    Row("rings of causes", failure(ring()), failure(ring())),
    Row(
        "assertions as causes",
        failure(chained(AssertionError("1 == 2"))),
        failure(chained(AssertionError("2"))),
    ),
    Row("own attributes", failure(attributed(1)), failure(attributed(2))),
    Row("failures", failure(ValueError("bad", 1)), failure(ValueError("bad", 1))),
    Row("failures of other types", failure(KeyError("a")), failure(ValueError("a")), "exception"),
    Row("failures of a class that was made", failure(made(OSError)), failure(made(OSError))),
    Row("failures of classes of one name", failure(made(OSError)), failure(made(KeyError)), E),
    Row("failures of other texts", failure(OSError("a")), failure(OSError("b")), "exception"),
    Row("failures of other arguments", failure(OSError(1)), failure(OSError("1")), "exception"),
    Row(
        "failures on other files",
        failure(OSError(2, "no", "a")),
        failure(OSError(2, "no", "b")),
        "exception",
    ),
    Row("failures with addresses", failure(ADDRESS), failure(OTHER_ADDRESS)),
    Row(
        "failures with addresses as text",
        failure(ADDRESS, has_exception=False),
        failure(OTHER_ADDRESS, has_exception=False),
    ),
    Row(
        "failure without its exception",
        failure(OSError("a"), has_exception=False),
        failure(OSError("a")),
    ),
    Row(
        "other failure without its exception",
        failure(OSError("a"), has_exception=False),
        failure(OSError("b")),
        "exception",
    ),
    Row(
        "assertions on one line",
        failure(AssertionError("1 == 2"), where=HERE),
        failure(AssertionError("2"), where=HERE),
    ),
    Row(
        "assertions on two lines",
        failure(AssertionError("x"), where=HERE),
        failure(AssertionError("x"), where=THERE),
        "exception",
    ),
)
