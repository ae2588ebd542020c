"""The hooks around tests that vary something: references before variants, verdicts after them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, nullcontext
from zlib import crc32

import pytest

from ...machine.observation import Observation
from ...model.errors import LostError, MismatchError
from ...model.outcome import Outcome, Verdict
from ...report.entries import SKIPPED
from ...report.serialising import serialise
from ...runner.ambient import ambient, serial
from ...verify.computed import Collection, computed
from ...verify.legs import entry_of
from ...verify.reference import Called, call
from ...worker.results import Copied
from ...worker.seeding import reseed, reseed_setup
from ..cases.bodies import Body
from ..compat import twin_of
from ..config.registry import backend_named, guard
from ..messages.frames import drop_frames
from ..messages.verdicts import fail, is_expected, note_verdict
from ..session.diagnosing import controls_of
from ..session.reporting import report_runs
from ..session.termination import ENDING
from .axis import variant_of
from .cases import HIDDEN, VARIED, Siblings, VariedCase, plan_of
from .hidden import unexpect
from .judging import Judging, Measured

#: `CaseEntry.why` of a case without an outcome, or without a reference to compare it with.
NOT_REACHED = "set-up failed"
NOT_CALLED = "its body was not called"


class Varying:
    """A plugin, registered where a session has tests that vary something."""

    def __init__(self, config: pytest.Config, *, is_off: bool) -> None:
        self._is_off = is_off
        self._is_traced = config.getoption("trace", default=False)
        self._xdist = hasattr(config, "workerinput")
        self._is_random = config.getoption("randomly_reset_seed", default=False)
        self._seeded: pytest.Item | None = None
        self._judging = Judging(
            is_verbose=config.getoption("verbose", 0) > 0, controls=controls_of(config)
        )

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Run the reference before the first variant that needs it, unless its item was run."""
        case = item.stash.get(VARIED, None)
        if case is None or self._is_off:
            return (yield)
        with guard(item.config).marking():
            if case.is_compared and case.entry is None and not case.siblings.is_tried:
                self._run_reference(case)
            try:
                return (yield)
            finally:
                if not case.is_compared:
                    self._note_end(case.siblings)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Put a function around the body; it returns the value only if a plugin takes it."""
        siblings = _siblings_of(item)
        if siblings is None or self._is_traced or not isinstance(item, pytest.Function):
            return (yield)
        body = Body(item)
        with body.replaced(self._body_of(item, siblings, body)):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the verdict on the report, after pytest has applied xfail."""
        case = item.stash.get(VARIED, None)
        if case is not None and call.excinfo is not None:
            drop_frames(call)
        report = yield
        if case is not None and not self._is_off:
            self._finish(case, call, report)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, request: pytest.FixtureRequest) -> None:
        """Seed before the first fixture: pytest-randomly's seed differs between variants."""
        item = request.node
        if not self._is_random or item is self._seeded or not isinstance(item, pytest.Function):
            return
        if (siblings := _siblings_of(item)) is not None:
            self._seeded = item
            reseed_setup(self._seed(item, siblings))

    def _body_of(
        self, item: pytest.Function, siblings: Siblings, body: Body
    ) -> Callable[..., object]:
        """Return the function that replaces the body of an item."""
        case = item.stash.get(VARIED, None)
        original = body.function

        @functools.wraps(original)
        def measured(**kwargs: object) -> object:
            __tracebackhide__ = True
            if self._is_random:
                reseed(self._seed(item, siblings))
            run = functools.partial(original, **kwargs)
            is_reference = case is None or not case.is_compared
            with around(item, is_reference=is_reference or self._is_off):
                if self._is_off:
                    value = run()
                elif case is None or is_reference:
                    value = self._measure_reference(item, siblings, run, body.is_taken)
                elif case.entry is not None:
                    value = self._rerun(case, run)
                else:
                    repeat = Repeat(case, original, kwargs)
                    value = self._compare(case, run, repeat, is_taken=body.is_taken)
            return value if body.is_taken else None

        return measured

    def _seed(self, item: pytest.Item, siblings: Siblings) -> int:
        seed: int = item.config.getoption("randomly_seed")
        return seed + crc32(siblings.id.encode(errors="surrogatepass"))

    def _measure_reference(
        self, item: pytest.Function, siblings: Siblings, run: Callable[[], object], is_taken: bool
    ) -> object:
        """Run the reference, keep its outcome for the variants, and end as it does.

        A plugin that takes the value may change it, so it gets a copy.
        """
        __tracebackhide__ = True
        siblings.is_tried = True
        made = _observed(run, siblings.side.run, plan_of(item).timeout)
        value = made.called[0].value if is_taken else None
        if is_taken and siblings.waiting > 0:
            value = Copied(value).read()
        if siblings.waiting > 0:
            siblings.called, siblings.observed = made.called, made.observed
            siblings.collection = made.collection
            siblings.folder = str(item.funcargs.get("tmp_path", ""))
        _end(made.called)
        return value

    def _compare(
        self, case: VariedCase, run: Callable[[], object], repeat: Repeat, *, is_taken: bool
    ) -> object:
        """Run a variant, compare it with the reference, and end as it does, or with the verdict."""
        __tracebackhide__ = True
        made = _observed(run, case.side.run, case.plan.timeout)
        value = made.called[0].value if is_taken else None  # else it is freed when it was judged
        ended = made.called[1]
        self._judging.judge(case, made, repeat)
        assert case.entry is not None
        if case.entry.verdict is Verdict.LOST:
            raise LostError(case.message)
        if case.message:
            raise MismatchError(case.message)
        if ended is not None:
            raise ended
        return value

    def _rerun(self, case: VariedCase, run: Callable[[], object]) -> object:
        """Run an item once more, as for pytest-rerunfailures: the verdict does not change."""
        assert case.entry is not None
        if case.entry.verdict is Verdict.LOST:
            raise LostError(case.message)
        value = run()
        if case.message:
            raise MismatchError(case.message)
        return value

    def _run_reference(self, case: VariedCase) -> None:
        """Run the item of the reference, which is not selected or comes later, without reports."""
        siblings = case.siblings
        hidden = siblings.reference or twin_of(case.item)
        hidden.stash[HIDDEN] = siblings
        # The next item is the case itself, so that wide fixtures are not torn down.
        hidden.ihook.pytest_runtest_protocol(item=hidden, nextitem=case.item)
        del hidden.stash[HIDDEN]

    def _note_end(self, siblings: Siblings) -> None:
        """Note that the item of the reference was run, even where its body was not reached."""
        siblings.is_tried = True
        if siblings.called is None and not siblings.why:
            siblings.why = "the reference was not run"

    def _finish(
        self, case: VariedCase, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> None:
        if not case.is_compared:
            unexpect(case, call, report)
            if call.when == "setup" and not report.passed:
                case.siblings.why = f"the reference {'was skipped' if report.skipped else 'failed'}"
            return
        if call.when == "setup" and not report.passed and case.entry is None:
            why = SKIPPED if report.skipped else NOT_REACHED
            case.entry = entry_of(case.terms(), Verdict.NOT_VERIFIED, why=why)
        elif call.when == "call" and case.entry is None and not self._is_traced:
            why = SKIPPED if report.skipped else NOT_CALLED
            case.entry = entry_of(case.terms(), Verdict.NOT_VERIFIED, why=why)
        if (
            case.entry is None
            or call.when == "teardown"
            or (call.when == "setup" and report.passed)
        ):
            return
        case.done()
        self._report(case, report)
        note_verdict(case.item, report, case.entry.verdict)
        if case.message and not is_expected(case.item, call, report):
            fail(report, call, case.message, is_like=case.is_like)

    def _report(self, case: VariedCase, report: pytest.TestReport) -> None:
        """Send the case to the controller of xdist; without xdist, report its run once."""
        assert case.entry is not None
        if self._xdist:
            part = serialise(case.group.entry([case.entry], xdist=True))
            report.parwork = [part]  # type: ignore[attr-defined]  # sent with the report
        elif not case.group.is_reported:
            case.group.is_reported = True
            report_runs(case.item.config, [case.group.entry([])])


class Repeat:
    """Calls the body of a case that differs once more, with its own values or the reference's."""

    def __init__(
        self, case: VariedCase, body: Callable[..., object], kwargs: Mapping[str, object]
    ) -> None:
        self._case = case
        self._body = body
        self.kwargs = kwargs

    def __call__(self, *, as_reference: bool) -> Outcome | None:
        """Return the outcome; None where the values cannot be replaced, which fixtures have."""
        case, kwargs = self._case, dict(self.kwargs)
        if as_reference and not case.variant.inside:
            values = case.siblings.values
            if not values.keys() <= kwargs.keys():
                return None
            kwargs.update(values)
        with around(case.item, is_reference=True) if as_reference else nullcontext():
            run = functools.partial(self._body, **kwargs)
            return _observed(run, case.side.run, case.plan.timeout).called[0]


def around(item: pytest.Function, *, is_reference: bool) -> AbstractContextManager[None]:
    """Return the ambient configuration of a body; what is varied by arguments has none."""
    variant = variant_of(item)
    if variant is None or not variant.inside:
        return nullcontext()
    if is_reference:
        return serial()
    named = functools.partial(backend_named, item.config)
    return ambient(variant.inside, variant.workers, named)


def _siblings_of(item: pytest.Item) -> Siblings | None:
    if HIDDEN in item.stash:
        return item.stash[HIDDEN]
    case = item.stash.get(VARIED, None)
    return case.siblings if case is not None else None


def _observed(run: Callable[[], object], name: str, timeout: float | None) -> Measured:
    """Call the body in this process, and compute what it returns if that is a collection."""
    __tracebackhide__ = True
    found: list[Collection | None] = [None]

    def body() -> object:
        __tracebackhide__ = True
        value, found[0] = computed(run())
        return value

    with (observation := Observation()):
        called = call(body, run=name, timeout=timeout, passing=ENDING)
    return Measured(called=called, observed=observation.observed, collection=found[0])


def _end(called: Called) -> None:
    """End as the call did."""
    __tracebackhide__ = True
    outcome, error = called
    if error is not None:
        raise error
    if outcome.lost is not None:
        raise LostError(f"LOST: {outcome.lost.detail}")
