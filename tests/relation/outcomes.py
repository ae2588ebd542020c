"""Rows of outcomes of tasks."""

from __future__ import annotations

from typing import Any

from pytest_parwork.model.outcome import Failure, Outcome

from .row import Row

__all__ = ["ROWS", "failure", "skip", "value"]


def value(result: object) -> Outcome:
    return Outcome(kind="value", value=result)


def failure(error: BaseException, *, has_exception: bool = True, **facts: Any) -> Outcome:
    return Outcome(
        kind="failure",
        failure=Failure(
            type=f"{type(error).__module__}.{type(error).__qualname__}",
            text=str(error),
            is_assertion=isinstance(error, AssertionError),
            exception=error if has_exception else None,
            **facts,
        ),
    )


def skip(reason: str) -> Outcome:
    return Outcome(kind="skip", failure=Failure(type="Skipped", text=reason))


HERE, THERE = ("test_a.py", 3), ("test_a.py", 4)
ADDRESS, OTHER_ADDRESS = OSError("0x7f0011112222"), OSError("0x7f3344445555")

ROWS = (
    Row("values", value([1]), value([1])),
    Row("other values", value(3), value(4), "value"),
    Row("value and failure", value(3), failure(ValueError("bad")), "outcome"),
    Row("an exception returned and raised", value(OSError()), failure(OSError()), "outcome"),
    Row("value and skip", value(None), skip("no GPU"), "outcome"),
    Row("failure and skip", failure(ValueError("bad")), skip("bad"), "outcome"),
    Row("skips", skip("no GPU"), skip("no network")),
    Row("failures", failure(ValueError("bad", 1)), failure(ValueError("bad", 1))),
    Row("failures of other types", failure(KeyError("a")), failure(ValueError("a")), "exception"),
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
