"""Methods of `unittest.TestCase`: which of them can be fanned out, and their call as a whole."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import FunctionType, SimpleNamespace, TracebackType
from typing import Any

import pytest

from ...machine.deadline import TimedOut
from ...worker.fixtures.subtests import Subtests
from ...worker.fixtures.testcases import Raised, TestCaseRules, note_subtest
from ..compat import no_message, put_failures, take_failures
from .bodies import Body, class_of

#: What unittest runs around each method.
AROUND = ("setUp", "tearDown", "asyncSetUp", "asyncTearDown")


def is_testcase(item: pytest.Function) -> bool:
    """Return whether an item is a method of `unittest.TestCase`."""
    return _is_of(item, "unittest.case", "TestCase")


def is_run_by_unittest(item: pytest.Function) -> bool:
    """Return whether unittest runs the methods of a class, and not a framework that extends it."""
    methods = (item.cls.run, item.cls.__call__) if item.cls is not None else ()
    return all(method.__module__.partition(".")[0] == "unittest" for method in methods)


def around(item: pytest.Function) -> list[Callable[..., Any]]:
    """Return the methods that unittest runs around each method of `unittest.TestCase`."""
    names = AROUND if is_testcase(item) else ()
    return [getattr(item.cls, name) for name in names if hasattr(item.cls, name)]


def is_awaited(item: pytest.Function) -> bool:
    """Return whether unittest itself awaits the methods of the class that are async."""
    return _is_of(item, "unittest.async_case", "IsolatedAsyncioTestCase")


def _is_of(item: pytest.Function, module: str, name: str) -> bool:
    """Return whether the class of an item inherits from one that need not be imported for that."""
    cls = class_of(item)
    if cls is None:
        return False
    return any(base.__name__ == name and base.__module__ == module for base in cls.__mro__)


def rules_of(item: pytest.Function) -> TestCaseRules | None:
    """Return how pytest treats the results of a method of `unittest.TestCase`; else None."""
    if not is_testcase(item):
        return None
    holders = (item.function, item.cls)
    is_expected = any(getattr(one, "__unittest_expecting_failure__", False) for one in holders)
    return TestCaseRules(
        has_subtests=hasattr(item, "addSubTest"),
        xfail=pytest.xfail if is_expected else None,
        fail=pytest.fail if is_expected else None,
    )


def called(item: pytest.Function, *, reports: bool = True) -> Body:
    """Return what is called for an item in one piece, and can be replaced."""
    is_in_class = type(item.parent) is not pytest.Module
    if (is_in_class and is_testcase(item)) or _is_async(item.obj):
        return WholeCall(item, reports=reports)
    return Body(item)


def _is_async(function: Callable[..., object]) -> bool:
    inner = getattr(function, "__func__", function)
    if type(inner) is not FunctionType:  # perhaps it cannot be hashed
        return inspect.iscoroutinefunction(inner)
    return _is_coroutine(inner)


@lru_cache(maxsize=1)  # the cases of a test follow one another, and each would take a microsecond
def _is_coroutine(function: Callable[..., object]) -> bool:
    return inspect.iscoroutinefunction(function)


class WholeCall(Body):
    """The call of an item with all that runs around its body: unittest, or an event loop.

    It takes the place of a `Body`: what an async function returns has yet to be awaited.
    `subtests` records them; unless it `reports`, pytest does not report them.
    """

    def __init__(self, item: pytest.Function, *, reports: bool = True) -> None:
        self._item = item
        self.function = self._call
        self._original: Callable[[], object] = item.runtest
        self._report: Callable[..., object] | None = None
        self._failures: list[pytest.ExceptionInfo[BaseException]] = []
        self.subtests: Subtests = Subtests(_Reporting(item) if reports else None)

    @property
    def is_taken(self) -> bool:
        """Whether a plugin takes the value: unittest drops it."""
        return False

    def _call(self) -> None:
        """Run it, and raise the first failure that unittest has recorded."""
        self._original()
        self._failures = take_failures(self._item)
        if self._failures:
            raise self._failures[0].value

    def __enter__(self) -> None:
        item: Any = self._item
        item.runtest = self._run
        self._report = getattr(item, "addSubTest", None)
        if self._report is not None:
            item.addSubTest = self._add_subtest

    def __exit__(self, *_: object) -> None:
        item: Any = self._item
        del item.runtest
        # These refer to this object: only the garbage collector would free it.
        self._put, self.function = None, self._original
        if self._report is not None:
            del item.addSubTest

    def _run(self) -> None:
        """Call the function that was put in; leave the failures where pytest finds them.

        It reports the first one for the call, with its own traceback, the second one for the
        tear-down.
        """
        assert self._put is not None
        try:
            self._put()
        except BaseException as error:
            failures = self._failures
            if failures and error is failures[0].value:
                put_failures(self._item, failures)
            elif failures[1:] and isinstance(error, Exception):  # a verdict
                own = pytest.ExceptionInfo.from_exception(error)
                put_failures(self._item, [own, *failures[1:]])
            else:
                raise

    def _add_subtest(
        self,
        test: object,
        subtest: Any,
        raised: Raised | pytest.ExceptionInfo[BaseException] | None,
    ) -> None:
        """Record a subtest, and let pytest report it."""
        error = None if raised is None else _value_of(raised)
        if isinstance(error, TimedOut):  # raised by the runner, not by the test
            put_failures(self._item, [pytest.ExceptionInfo.from_exception(error)])
            return
        note_subtest(self.subtests, subtest, error)
        if self.subtests.real is None:
            if not isinstance(raised, tuple | None):  # a skip, which the report would have taken
                put_failures(self._item, take_failures(self._item)[:-1])
            return
        assert self._report is not None
        self.subtests.is_reporting = True
        try:
            self._report(test, subtest, raised)
        finally:
            self.subtests.is_reporting = False


def _value_of(raised: Raised | pytest.ExceptionInfo[BaseException]) -> BaseException:
    return raised[1] if isinstance(raised, tuple) else raised.value


class _Reporting:
    """Lets pytest report the subtests that only a worker had, as the fixture of that name does."""

    def __init__(self, item: pytest.Function) -> None:
        self._item: Any = item

    @contextmanager
    def test(self, message: str | None, **parameters: object) -> Iterator[None]:
        """Report what the block raises as a subtest."""
        raised: tuple[type[BaseException], BaseException, TracebackType | None] | None = None
        try:
            yield
        except BaseException as error:
            raised = (type(error), error, error.__traceback__)
        shown = no_message() if message is None else message
        subtest = SimpleNamespace(_message=shown, params=parameters)
        instance: Any = self._item.instance
        # On Python 3.10 pytest looks there for other errors of the run, which was not made here.
        instance._outcome = SimpleNamespace(errors=[], skipped=[])
        type(self._item).addSubTest(self._item, instance, subtest, raised)
