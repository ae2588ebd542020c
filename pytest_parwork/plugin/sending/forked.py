"""Cases that pytest itself sets up, calls and tears down, each in a fork of its process."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from types import TracebackType
from typing import Any, Literal

import pytest

from ...machine.clock import host
from ...model.outcome import Failure
from ...worker.calling import end_copy_of
from ...worker.capture.phases import enter
from ...worker.fixtures.baselines import protect
from ...worker.fixtures.cache import Cache
from ...worker.fixtures.ended import Phase, conclude
from ...worker.fixtures.recipe import REQUEST, FixturePlan
from ...worker.fixtures.subtests import Subtests
from ...worker.results import Pickled
from ..cases.company import is_storing, retrying_plugins
from ..cases.groups import Case
from ..cases.late import late_failures
from ..cases.plain import UnsupportedError
from ..cases.testcases import called
from ..compat import argument_names, cache_folder, fixture_defs, scope_of, stop_capturing
from ..session.reporting import RUNNING
from .addresses import body_of
from .seeding import draw_seed, given_seed, reseeded

#: How many exceptions of a chain pytest's report in a fork may show.
LINKS = 100

#: Packages whose frames, at the outer end of a traceback, do not explain a failure.
_MACHINERY = {"_pytest", "pluggy", "pytest_parwork"}


def fixtures_in_fork(item: pytest.Function) -> FixturePlan:
    """Return the plan of a case that pytest itself sets up; raises `UsageError` if it cannot.

    `given` are the arguments that are not set up anew for the case.
    """
    defs = fixture_defs(item)
    if "subtests" in defs:
        raise UnsupportedError(
            "the fixture 'subtests' reports to pytest while the case runs, but the case runs in a "
            "worker; parametrize the test",
            reason="`subtests`",
        )
    own = {name for name, definition in defs.items() if scope_of(definition, item) == "function"}
    given = [name for name in argument_names(item) if name not in own and name != REQUEST]
    return FixturePlan(
        body=body_of(item),
        arguments={},
        steps=(),
        given=tuple(given),
        home=(host(), os.getpid()),
        by_pytest=True,
    )


class Forked:
    """Lets pytest run a case, in a process that was forked while its gate was set up."""

    def __init__(self, case: Case, gate: pytest.Item) -> None:
        self._case = case
        self._gate = gate
        draw_seed(case.item)

    def __call__(self, **_: object) -> object:
        """Set up, call, tear down; return the body's result or raise, as `CaseCall` does.

        The arguments are ignored: pytest finds the same values itself.
        """
        item = self._case.item
        overlay = _detach(item.config)
        assert item.location  # pytest keeps it; a case may replace what it is computed with
        wider = _Wider()
        item.config.pluginmanager.register(wider)
        item.ihook.pytest_runtest_teardown(item=self._gate, nextitem=item)
        if is_storing(item):
            protect(str(item.path))
        value: list[object] = []
        subtests: Subtests | None = None
        phase: Phase = "setup"
        raised: list[BaseException] = []
        late: list[Failure] = []
        error = self._run_phase("setup")[0]
        if error is None:
            phase = "call"
            body = called(item, reports=False)
            subtests = body.subtests
            function = reseeded(self._case, body.function)

            @functools.wraps(function)
            def caught(**kwargs: object) -> object:
                try:
                    result = function(**kwargs)
                except BaseException as error:
                    raised.append(error)
                    raise
                value.append(Pickled(result, copies=True))  # what follows may change it
                return result if body.is_taken else None

            process = os.getpid()
            with given_seed(item) or nullcontext(), body.replaced(caught):
                ended, late = self._run_phase("call", raised)
            if raised:
                error = _of_the_test(raised[-1])
            elif not value:  # a hook ended the call before the body
                error, late = ended, []
            end_copy_of(process)  # a forked copy must not tear down what belongs to the original
        # The next item is the gate, so that wider fixtures, which this process shares, stay.
        torn = self._run_phase("teardown", nextitem=self._gate)[0]
        wider.tear_down()
        if overlay is not None:
            overlay.close()
        return conclude(
            phase,
            value[0] if value else None,
            error,
            [torn] if torn is not None else [],
            late,
            subtests.seen if subtests is not None else (),
        )

    def _run_phase(
        self,
        when: Literal["setup", "call", "teardown"],
        raised: Sequence[BaseException] = (),
        **kwargs: object,
    ) -> tuple[BaseException | None, list[Failure]]:
        """Run a phase as pytest does, up to the report; return its exception, if any.

        Also return what the report of a call says beyond what the body has `raised`.
        """
        enter(when)
        item = self._case.item
        hook = getattr(item.ihook, f"pytest_runtest_{when}")
        call = pytest.CallInfo.from_call(lambda: hook(item=item, **kwargs), when=when)
        # Some fixtures read the report in their tear-down: `tmp_path` does.
        try:
            with _shortened(call.excinfo.value if call.excinfo is not None else None):
                report = item.ihook.pytest_runtest_makereport(item=item, call=call)
        except Exception:
            if call.excinfo is None:
                raise
            return _of_the_test(call.excinfo.value), []  # it resists inspection: it is the outcome
        # Only now: pytest's hook sets the failure of a method of `unittest.TestCase`.
        error = call.excinfo.value if call.excinfo is not None else None
        if error is not None:
            error = _of_the_test(error)
        return error, late_failures(call, report, raised[-1] if raised else None)


@contextmanager
def _shortened(error: BaseException | None) -> Iterator[None]:
    """Cut a chain of exceptions after so many: the time of pytest's report grows with its square.

    The outcome of the case is described from the whole chain.
    """
    for _ in range(LINKS):
        if error is None:
            break
        last, error = error, error.__cause__ or error.__context__
    if error is None:
        yield
        return
    cause, context, is_suppressed = last.__cause__, last.__context__, last.__suppress_context__
    last.__cause__ = last.__context__ = None
    try:
        yield
    finally:
        last.__cause__, last.__context__ = cause, context
        last.__suppress_context__ = is_suppressed


class _Wider:
    """A plugin in the fork that records the fixtures of wider scope that are set up in it.

    All others were set up once, before the fork. These were first requested while the case ran, as
    some plugins do, and are torn down with it.
    """

    def __init__(self) -> None:
        self._made: list[tuple[pytest.FixtureDef[Any], pytest.FixtureRequest]] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> None:
        if fixturedef.scope != "function":
            self._made.append((fixturedef, request))

    def tear_down(self) -> None:
        while self._made:
            fixturedef, request = self._made.pop()
            with suppress(BaseException):  # an error in these is not part of the case
                fixturedef.finish(request)  # type: ignore[arg-type]  # the type has no public name


def _detach(config: pytest.Config) -> Cache | None:
    """Disable in this process what belongs to the one that runs pytest.

    Returns the overlay of pytest's cache, to be closed, None if there is no cache.
    """
    stop_capturing(config)
    config.pluginmanager.unregister(name=RUNNING)
    for plugin in retrying_plugins(config):  # the process that runs pytest retries, if need be
        config.pluginmanager.unregister(plugin)
    folder = cache_folder(config)
    if folder is None:
        return None
    overlay = Cache(folder, (host(), os.getpid()))
    config.cache = overlay  # type: ignore[assignment]  # it has the same methods
    return overlay


def _of_the_test(error: BaseException) -> BaseException:
    """Return an exception whose traceback begins in the test, where its class lets that be done."""
    with suppress(Exception):
        return error.with_traceback(_inner_part(error.__traceback__))
    return error


def _inner_part(frames: TracebackType | None) -> TracebackType | None:
    """Return a traceback from its first frame outside pytest on; all of it if there is none."""
    inner = frames
    while inner is not None:
        name = str(inner.tb_frame.f_globals.get("__name__", ""))
        if name.partition(".")[0] not in _MACHINERY:
            return inner
        inner = inner.tb_next
    return frames
