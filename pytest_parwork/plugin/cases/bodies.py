"""The body of a test, beneath the wrappers that other plugins have put around it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from types import CellType, FunctionType, MethodType

import pytest

from ...equivalence import show
from ...worker.fixtures.subtests import Subtests


def class_of(item: pytest.Function) -> type | None:
    """Return the class of an item, None outside of a class: `item.cls` searches all nodes."""
    return None if type(item.parent) is pytest.Module else item.cls


class Body:
    """The innermost function of an item: what it returns is what the test returned.

    Some plugins take that value: pytest-arraydiff wraps the function when the test is collected,
    pytest-mpl when it is called, and both return None. So a function is replaced where the wrapper
    keeps it, in a cell of its closure.
    """

    def __init__(self, item: pytest.Function) -> None:
        outermost = item.obj
        self._item = item
        #: The recorder of subtests that pytest reports without a fixture, as no function has them.
        self.subtests: Subtests | None = None
        self._cell = _cell_of(item, outermost)
        self._put: Callable[..., object] | None = None
        self.function: Callable[..., object] = (
            outermost if self._cell is None else self._cell.cell_contents
        )

    @property
    def is_taken(self) -> bool:
        """Whether a plugin takes the value: there is a wrapper, put around it before or since."""
        return self._cell is not None or self._item.obj is not self._put

    def replaced(self, function: Callable[..., object]) -> Body:
        """Have another function called in its place inside a `with` block.

        It is no generator, which would take longer: there is such a block for each case.
        """
        self._put = function
        return self

    def __enter__(self) -> None:
        item = self._item
        self._outermost = item.obj
        item.stash[_BODY] = self
        if self._cell is None:
            item.obj = self._put
        else:
            self._cell.cell_contents = self._put

    def __exit__(self, *_: object) -> None:
        del self._item.stash[_BODY]
        self._item.obj = self._outermost
        self._put = None  # it refers to this object: only the garbage collector would free both
        if self._cell is not None:
            self._cell.cell_contents = self.function


#: The body of a case while it is called.
_BODY = pytest.StashKey[Body]()


class Dropping:
    """A plugin that drops the value of a case which a wrapper passes on: pytest would warn."""

    @pytest.hookimpl(wrapper=True, trylast=True)  # around all wrappers, within all hooks
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """Call the body for its effect only."""
        body = pyfuncitem.stash.get(_BODY, None)
        if body is None or not body.is_taken:
            return (yield)
        outermost = pyfuncitem.obj
        if inspect.iscoroutinefunction(outermost):
            return (yield)

        @functools.wraps(outermost)
        def call(**kwargs: object) -> None:
            outermost(**kwargs)

        pyfuncitem.obj = call
        try:
            return (yield)
        finally:
            pyfuncitem.obj = outermost


def returning_nothing(item: pytest.Function) -> Callable[..., object]:
    """Return a body of a marked test with calls that fails if the test returns a value.

    The marker makes it look like the value that is compared, but a test with calls is not run in
    parallel itself.
    """
    original = item.obj

    @functools.wraps(original)
    def body(**kwargs: object) -> object:
        value = original(**kwargs)
        if value is None or inspect.isawaitable(value):  # for a plugin to run
            return value
        pytest.fail(
            f"{item.name} returned {show(value)}, which nothing is compared with: in a test with "
            f"the fixture 'parwork' only its calls run in parallel. Return nothing and pass the "
            f"function to parwork.map, or do without the fixture, so that the marker runs the "
            f"whole test",
            pytrace=False,
        )

    return body


def _cell_of(item: pytest.Function, outermost: object) -> CellType | None:
    """Return the cell in which a plugin's wrapper keeps the test function, None without one."""
    found = getattr(getattr(item.parent, "obj", None), item.originalname, None)
    if found is outermost:  # as for most tests
        return None
    innermost = _function_of(found)
    if innermost is None or _function_of(outermost) is innermost:
        return None
    left, met = [outermost], set[int]()
    while left:
        wrapper = _function_of(left.pop())
        if not isinstance(wrapper, FunctionType) or id(wrapper) in met:
            continue
        met.add(id(wrapper))
        for cell in wrapper.__closure__ or ():
            try:
                held = cell.cell_contents
            except ValueError:  # it is empty
                continue
            if _function_of(held) is innermost:
                return cell
            left.append(held)
    return None


def _function_of(value: object) -> object:
    """Return the function of a bound method; anything else unchanged."""
    return value.__func__ if isinstance(value, MethodType) else value
