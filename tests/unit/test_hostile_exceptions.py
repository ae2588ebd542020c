"""Exceptions whose class, or metaclass, raises whatever it is asked for: all become outcomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_parwork.model.outcome import Failure, NotSent
from pytest_parwork.transport.failures import Record, describe, is_skip
from pytest_parwork.transport.pickling import load
from pytest_parwork.worker.calling import perform
from pytest_parwork.worker.capture.mishaps import Mishap
from pytest_parwork.worker.fixtures.ended import Ended, conclude, leaves, with_late
from pytest_parwork.worker.inputs import Inputs
from pytest_parwork.worker.results import Copied, pack, take

LATE = Failure(type="ValueError", text="late", traceback="")


def raising(*_: object, **__: object) -> Any:
    raise RuntimeError("as it was made")


class _Shy(type):
    __getattribute__ = raising


class _WithoutModule(type):
    @property
    def __module__(cls) -> str:  # type: ignore[override]  # that is the point
        raise RuntimeError("no module")


class _WithoutBases(type):
    __mro__ = property(raising)


class _Text(str):
    __slots__ = ()
    __getitem__ = raising
    partition = raising


def _with(**names: object) -> BaseException:
    error: BaseException = type("Hostile", (Exception,), names)()
    return error


def _group(parts: object) -> BaseException:
    """Return what has the name of a group, and anything in place of its exceptions."""
    error: BaseException = type("BaseExceptionGroup", (BaseException,), {"exceptions": parts})()
    return error


def _without_a_home() -> BaseException:
    error: BaseException = eval('type("Hostile", (Exception,), {})()', {})
    with pytest.raises(AttributeError):
        type(error).__module__  # noqa: B018, that is the point
    return error


MADE: dict[str, Callable[[], BaseException]] = {
    "every attribute raises": lambda: _with(__getattribute__=raising),
    "its class raises": lambda: _with(__class__=property(raising)),
    "its cause raises": lambda: _with(__cause__=property(raising)),
    "its context raises": lambda: _with(__context__=property(raising)),
    "its traceback raises": lambda: _with(__traceback__=property(raising)),
    "its cause is a number": lambda: _with(__cause__=7),
    "its context is a text": lambda: _with(__context__="seven"),
    "its traceback is a number": lambda: _with(__traceback__=7),
    "its text has its own methods": lambda: _with(__str__=lambda _: _Text("lying")),
    "its module is a number": lambda: _with(__module__=5),
    "its module is no key": lambda: _with(__module__=[]),
    "it has no module": _without_a_home,
    "the metaclass raises": lambda: _Shy("Hostile", (Exception,), {})(),
    "the metaclass has no module": lambda: _WithoutModule("Hostile", (Exception,), {})(),
    "the metaclass has no bases": lambda: _WithoutBases("Hostile", (Exception,), {})(),
    "a group of no exceptions": lambda: _group((1, "two")),
    "a group of a number": lambda: _group(5),
    "a group whose parts raise": lambda: _group(property(raising)),
    "it is false": lambda: _with(__bool__=lambda _: False),
}


@pytest.fixture(params=MADE.values(), ids=list(MADE))
def error(request: pytest.FixtureRequest) -> BaseException:
    found: BaseException = request.param()
    return found


def failure_of(kind: str, value: object) -> Failure:
    """Return the description of a failure that was packed, and loaded again."""
    assert kind == "failure"
    _, data, _ = pack("failure", value)
    record: Record = load(data)
    return record[0]


def test_it_is_an_outcome_like_any_other(error: BaseException) -> None:
    def body() -> None:
        raise error

    kind, value = perform(body, (), {})
    assert value is error
    found = failure_of(kind, value)
    assert found.type
    assert type(found.text) is str
    assert found.where is not None
    assert not is_skip(error)


def test_it_is_kept_with_what_was_raised_later(error: BaseException) -> None:
    kind, value = with_late("failure", error, [LATE])
    assert isinstance(value, Ended)
    assert value.late == (LATE,)
    assert value.error is not None
    assert failure_of(kind, value).type


def test_it_may_be_raised_in_a_tear_down(error: BaseException) -> None:
    assert leaves(error) == [error]
    with pytest.raises(Ended) as ended:
        conclude("call", 3, None, [error])
    assert [one.exception for one in ended.value.torn] == [error]


def test_it_says_why_a_result_cannot_be_sent(error: BaseException) -> None:
    class Sour:
        def __reduce__(self) -> Any:
            raise error

    kind, data, _ = pack("value", [Sour()])
    assert kind == "not_sent"
    why: NotSent = load(data)
    assert "Sour" in why.detail


def test_a_result_of_its_class_is_stored_or_cannot_be_sent(error: BaseException) -> None:
    assert pack("value", error)[0] in {"value", "not_sent"}


def test_a_thread_may_raise_it(error: BaseException) -> None:
    class Given:
        exc_type, exc_value, exc_traceback, thread = type(error), error, None, None

    found = Mishap.in_thread(Given())  # type: ignore[arg-type]  # as the hook gives it
    assert found.failure == describe(error)


def test_the_leaves_of_groups_that_are_nested_deeply_are_found_in_the_order_of_raising() -> None:
    error: BaseException = ValueError("last")
    for number in range(5000):
        error = _group((error, ValueError(str(number))))
    assert [str(leaf) for leaf in leaves(error)] == [*map(str, reversed(range(5000))), "last"]


class _OnlyEqual(type):
    """As of libraries whose classes are compared: an `__eq__` alone takes the hash away."""

    def __eq__(cls, other: object) -> bool:
        return cls is other


def test_a_value_of_a_class_without_a_hash_is_an_argument_and_a_result() -> None:
    value = _OnlyEqual("Plain", (), {})()
    with pytest.raises(TypeError):
        hash(type(value))
    assert Inputs([value], {}).changed() == []
    kept = take(value, in_workers=False)
    assert isinstance(kept, Copied)
    assert kept.read() is value  # no copy can be made of it
    assert pack("value", value)[0] == "not_sent"
