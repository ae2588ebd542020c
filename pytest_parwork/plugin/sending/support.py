"""Whether a backend supports a test: its kind, and the plan for its fixtures."""

from __future__ import annotations

import inspect
import sys
import types

import pytest

from ...backends.protocol import Backend, is_threaded, obstacle_of, place_of
from ...model.errors import UsageError
from ...worker.fixtures.recipe import FixturePlan
from ..cases.bodies import Body
from ..cases.code import find_change, interrupts_itself, package
from ..cases.company import (
    drawing_of,
    fixture_asked_around,
    hooked_mark,
    is_dependent,
    is_thread_unsafe,
    regenerating_option,
    threaded_fixture,
    unshared_database,
)
from ..cases.plain import UnsupportedError, is_reached, or_in_fork
from ..cases.testcases import around, is_awaited, is_run_by_unittest, is_testcase
from ..compat import fixture_defs
from ..config.marks import marker_keywords
from ..config.options import is_all, is_fanned_out
from ..config.registry import backend_named
from ..config.settings import settings_of
from .fixture_plans import check, fixtures_of
from .seeding import is_given

#: Values that their first use uses up, and that cannot be copied.
_USED_UP = (types.GeneratorType, types.AsyncGeneratorType, types.CoroutineType)

#: The backend by which a mark opts out of --parwork-all.
OPTING_OUT = "serial"


def supported_fixtures(item: pytest.Function, name: str) -> FixturePlan | None:
    """Return the plan for the fixtures of a case on this backend, None without fixtures.

    Raises `UsageError` if the backend does not support the test.
    """
    if is_all(item.config) and marker_keywords(item).get("backend") == OPTING_OUT:
        text = f"its mark has backend={OPTING_OUT!r}, which opts out of --parwork-all"
        raise UnsupportedError(text, reason="opted out", is_choice=True)
    backend = backend_named(item.config, name)
    check_kind(item, by_pytest=place_of(backend) == "fork")
    if option := regenerating_option(item):
        raise UnsupportedError(
            f"{option} has results stored anew, which a worker must not do; run the test without "
            f"it, or add --parwork-serial",
            reason=option,
            is_choice=True,
        )
    if place_of(backend) == "fork" and (fixture := threaded_fixture(item)):
        raise UnsupportedError(
            f"the fixture {fixture!r} needs a thread of pytest's process, which a fork of it does "
            f"not have; use backend='threads'",
            reason=f"`{fixture}` in a fork",
        )
    _check_plugins(item, name, backend)
    if place_of(backend) == "fork":
        from .forked import fixtures_in_fork

        return fixtures_in_fork(item)
    if is_threaded(backend) and is_all(item.config) and is_thread_unsafe(item):
        text = f"a mark says that it is unsafe in threads, where backend={name!r} runs the cases"
        raise UnsupportedError(text, reason="thread_unsafe", is_choice=True)
    if is_threaded(backend) and drawing_of(item) is not None:
        raise UnsupportedError(
            f"pytest-mpl draws with settings of the whole process, but backend={name!r} runs the "
            f"cases in threads of it; use a backend with processes, such as joblib",
            reason="`mpl_image_compare` on threads",
        )
    if is_threaded(backend) and is_reached(item):
        _check_code(item, name)
    elif is_threaded(backend) and interrupts_itself(Body(item).function):
        raise UnsupportedError(
            f"the test sends SIGINT to its own process, but backend={name!r} runs the cases in "
            f"threads: the main thread would receive it, and end the session; use a backend with "
            f"processes, such as joblib",
            reason="SIGINT on threads",
        )
    if item.module.__name__ not in sys.modules:
        raise UnsupportedError(
            f"the test was made inside of {item.module.__name__!r}, which is no module that a "
            f"worker can import; put it into a class{or_in_fork()}",
            reason="made inside of functions",
        )
    fixtures = fixtures_of(item)
    if fixtures is not None:
        check(fixtures, name, is_threaded=is_threaded(backend))
    return fixtures


def used_up_parameter(item: pytest.Function) -> str:
    """Return the first parameter of a case that can be used only once, empty if there is none."""
    callspec = getattr(item, "callspec", None)
    for name, value in callspec.params.items() if callspec is not None else ():
        if any(type(value) is each for each in _USED_UP):
            return str(name)
    return ""


def check_can_start(config: pytest.Config, name: str) -> None:
    """Raise `UsageError` if a backend cannot start on this system, as without its library.

    That is no mistake in a session that starts none.
    """
    if is_fanned_out(config) and (why := obstacle_of(backend_named(config, name))):
        raise UsageError(f"the backend {name!r} cannot start here: {why}")


def plain_everywhere(item: pytest.Function) -> UsageError | None:
    """Return why a test that was only reached is supported on no column of its matrix.

    It runs once. None if one column supports it, without a matrix, and for tests marked themselves;
    but methods of `unittest.TestCase` cannot have a matrix.
    """
    if is_testcase(item) and (axes := settings_of(item).axes):
        axis, values = next(iter(axes.items()))
        return UnsupportedError(
            f"{axis}={values!r} asks for a matrix, but a method of unittest.TestCase cannot be "
            f"parametrized; give a single value, or use a plain class",
            reason="unittest in a matrix",
            is_choice=axis not in marker_keywords(item),  # a suite is run with several backends
        )
    first = None
    columns = settings_of(item).matrix() if is_reached(item) else ()
    for column in columns:
        try:
            supported_fixtures(item, column.configuration.backend)
        except UsageError as error:
            first = first or error
        else:
            return None
    return first


def _check_code(item: pytest.Function, name: str) -> None:
    """Raise `UnsupportedError` if a thread would use up a parameter, or change the process.

    Such a change may be in the test, or in a fixture. A test that is marked itself was meant for
    threads.
    """
    if parameter := used_up_parameter(item):
        raise UnsupportedError(
            f"the run in a thread would use up the parameter {parameter!r}, a generator, which "
            f"cannot be copied for the serial run; parametrize with a list",
            reason="arguments that cannot be copied",
        )
    definitions = fixture_defs(item).values()
    own = [each.func for each in definitions if each.scope == "function"]
    own += around(item)
    for function in (Body(item).function, *own):
        if package(function) not in ("_pytest", "pytest_parwork") and (
            change := find_change(function)
        ):
            raise UnsupportedError(
                f"{function.__qualname__} uses {change}, which changes the whole process, but "
                f"backend={name!r} runs the cases in threads of it",
                reason=f"{change} on threads",
            )


def _check_plugins(item: pytest.Function, name: str, backend: Backend) -> None:
    """Raise `UnsupportedError` if a plugin does something around a test that no worker can do."""
    by_pytest = place_of(backend) == "fork"
    if mark := hooked_mark(item, by_pytest=by_pytest):
        raise UnsupportedError(
            f"the mark {mark!r} has its plugin act in hooks around the test, which only pytest's "
            f"own process runs; remove one of the two marks{'' if by_pytest else or_in_fork()}",
            reason=f"`{mark}`",
        )
    if not by_pytest and (fixture := fixture_asked_around(item)):
        raise UnsupportedError(
            f"the fixture {fixture!r} has its plugin fail the test in a hook around it, which only "
            f"pytest's own process runs; remove the mark{or_in_fork()}",
            reason=f"`{fixture}`",
        )
    if unshared_database(item, is_threaded=is_threaded(backend)):
        raise UnsupportedError(
            f"the test uses Django's database, whose connection cases on backend={name!r} cannot "
            f"share; use SQLite in memory{or_in_fork()}",
            reason="Django's database",
        )
    if is_dependent(item):
        raise UnsupportedError(
            "the mark 'dependency' has pytest-dependency skip the test where another one has "
            "failed, which is not known before they run; remove one of the two marks",
            reason="`dependency`",
        )


def check_kind(item: pytest.Function, *, by_pytest: bool = False) -> None:
    """Raise `UsageError` for a kind of test whose body is no plain call.

    Where cases run `by_pytest`, its plugins run the event loop of async ones, and hypothesis runs
    those with `@given`, with one seed for both runs.
    """
    if is_testcase(item):
        _check_testcase(item)
    is_async = inspect.iscoroutinefunction(item.function)
    is_left = is_async and not by_pytest and not is_awaited(item)
    if is_left or inspect.isasyncgenfunction(item.function):
        raise UnsupportedError(
            "an async test cannot be fanned out; call asyncio.run() inside, or use "
            "backend='isolated:fork', where pytest's plugins run it",
            reason="async",
        )
    if is_given(item) and not by_pytest:
        raise UnsupportedError(
            "a test with @given cannot be fanned out: hypothesis chooses each example by the "
            "result of the previous one. Parametrize the test, or draw a list, st.lists(...), and "
            "pass it to parwork.map, with "
            "suppress_health_check=[HealthCheck.function_scoped_fixture]; or use "
            "backend='isolated:fork'",
            reason="@given",
        )


def _check_testcase(item: pytest.Function) -> None:
    """Raise `UsageError` for a class whose methods unittest itself does not run."""
    if not is_run_by_unittest(item):
        raise UnsupportedError(
            f"{item.cls.__qualname__} inherits a run() or __call__() that is not that of "
            f"unittest.TestCase, so a worker does not know how to run it; use a plain class",
            reason="unittest with its own run()",
        )
