"""The test items that judge a workload as a whole: `min_speedup` and `exercised`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Literal

import pytest

from ...machine.cpus import usable_cpus
from ...model.errors import UsageError
from ...model.work import Plan
from ...report.data import RunReport, slow, summarise
from ...report.figures import digits, duration, ratio
from ...report.notes import crowding, why_not_exercised
from ...report.selftest import control_notes
from ...report.variants import Variation, unserial_reference
from ..cases.matrix import TestKey, WideKey, column_of, key_of, workload_key
from ..cases.plain import make_plain
from ..config.commands import SESSION
from ..config.marks import has_mark
from ..config.options import is_exercise_strict, is_own_strict, is_selftest, is_serial
from ..config.settings import Column, settings_of
from ..config.varied import Variant
from ..session.reporting import report_runs
from ..variants.axis import variant_of
from ..variants.collecting import way_of
from .collection import Collected

Kind = Literal["min_speedup", "exercised", "selftest"]

#: Marks that decide how cases run, as opposed to marks that select them.
_OF_CASES = {"parametrize", "usefixtures", "skip", "skipif", "xfail"}


class Check(pytest.Item):
    """`test_x[min_speedup]` or `test_x[exercised]`: runs nothing, judges the run before it.

    `key` is the workload in its configuration, `least` the speed-up that is required.
    """

    #: For pytest-run-parallel: there is no function to call.
    _parallel_custom_item = True

    def __init__(
        self,
        *,
        kind: Kind,
        key: TestKey | WideKey,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]  # name and parent, for pytest
        self.kind = kind
        self.key = key
        self.least: float | None = None
        self.run: RunReport | None = None

    def runtest(self) -> None:
        """Pass or fail; skip if there are not enough facts to judge."""
        if is_serial(self.config):
            pytest.skip("nothing runs in parallel with --parwork-serial")
        expected = self.run.expected if self.run is not None else None
        if self.kind == "selftest" and self.run is not None:
            self._judge_selftest(self.run)
            return
        if self.run is None or expected is None or len(self.run.cases) < expected:
            pytest.skip("some cases of the workload are missing in this session")
        if self.kind == "exercised":
            self._judge_exercised(self.run)
        else:
            self._judge_speedup(self.run)

    def _judge_exercised(self, run: RunReport) -> None:
        if run.exercised is None and run.xdist:
            pytest.skip(
                "cannot be judged under pytest-xdist: each of its processes may have received too "
                "few cases to overlap"
            )
        if run.exercised is None and run.variation is not None:
            pytest.skip("cannot be judged: what is varied asks for no parallel work")
        if run.exercised is None:
            pytest.skip("cannot be judged: no case finished in the parallel run")
        if run.variation is not None:
            self._judge_variation(run, run.variation)
        elif not run.exercised:
            raise CheckError(
                f"NOT_EXERCISED: {run.workers_used} of {run.granted} workers ran the "
                f"{len(run.cases)} cases, at most {run.peak_overlap} at once; "
                f"equal results prove nothing about parallelism."
                f"\n{why_not_exercised(run)}"
            )

    def _judge_selftest(self, run: RunReport) -> None:
        if not any(control.planted for control in run.selftest):
            pytest.skip("no case is equal, so there is nothing to plant faults in")
        texts = [text for severity, text in control_notes(run.selftest) if severity == "error"]
        if texts:
            raise CheckError("\n".join(texts))

    def _judge_variation(self, run: RunReport, variation: Variation) -> None:
        if not run.exercised:
            raise CheckError(f"NOT_EXERCISED: {why_not_exercised(run)}")
        if why := unserial_reference(variation, run.cases):
            raise CheckError(f"NOT_EXERCISED: {why}")

    def _judge_speedup(self, run: RunReport) -> None:
        assert self.least is not None
        cpus = usable_cpus()
        if run.xdist:
            pytest.skip(
                "speed-up cannot be judged under pytest-xdist: other tests run at the same time"
            )
        if cpus.number < run.granted:
            pytest.skip(f"speed-up cannot be judged: {run.granted} workers on {cpus}")
        speedup = run.timing.speedup
        if speedup is None:
            pytest.skip("speed-up cannot be judged: no case ran serially")
        if run.timing.flaw:
            pytest.skip(f"speed-up cannot be judged: {run.timing.flaw}")
        if speedup < self.least:
            timing = run.timing
            if timing.is_crowded:
                pytest.skip(f"speed-up cannot be judged: {crowding(timing)}")
            required = f"at least {digits(self.least)}x is required"
            verdict = f"TOO SLOW: speed-up {ratio(speedup, below=self.least)}, {required}"
            report_runs(self.config, [slow(run, verdict)])
            raise CheckError(
                f"{verdict}\n"
                f"serial {duration(timing.serial)}, parallel {duration(timing.parallel)} on "
                f"{run.granted} workers, start-up {duration(timing.startup)} not included"
            )

    def repr_failure(  # type: ignore[override]  # a text is as good
        self, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> object:
        """Show our verdict without a traceback."""
        if isinstance(excinfo.value, CheckError):
            shown = excinfo.getrepr(style="value")
            if shown.reprcrash is not None:
                shown.reprcrash.message = str(excinfo.value).partition("\n")[0]
            return shown
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[object, int | None, str]:  # type: ignore[override]  # a Path
        """Return the location of the item for pytest's reports."""
        return self.path, None, self.name


class CheckError(Exception):
    """A workload that was not exercised, or was slower than required."""


def checks_for(
    collector: pytest.Module | pytest.Class,
    name: str,
    items: list[pytest.Item],
    known: set[tuple[object, ...]],
) -> Iterator[pytest.Item]:
    """Yield the checks of one test function, one per kind and configuration.

    A workload of wider scope has its checks with the first of its functions; `known` are those that
    exist already, which are added to it.
    """
    seen: set[Column | Variant | None] = set()
    for item in items:
        if not isinstance(item, pytest.Function):
            continue
        variant = variant_of(item)
        column = variant or column_of(item)
        if column in seen:
            continue
        if not (way_of(item) == "case" if variant is None else not variant.is_reference):
            continue
        seen.add(column)
        try:
            plan = _plan_of(item)
        except UsageError:
            continue  # raised again when the items are gathered
        key = _key_of(item, plan)
        is_strict = is_own_strict(item.config) or (
            has_mark(item) and is_exercise_strict(item.config)
        )
        wanted: list[Kind] = ["exercised"] if is_strict else []
        if plan.min_speedup is not None:
            wanted.append("min_speedup")
        if is_selftest(item.config):
            wanted.append("selftest")
        for kind in wanted:
            if (key, kind) in known:
                continue
            known.add((key, kind))
            label = variant.id if variant is not None else getattr(column, "label", "")
            ids = f"{label}-{kind}" if label else kind
            if isinstance(key, TestKey):
                yield _check(collector, f"{name}[{ids}]", item, kind, key)
                continue
            if (key.node, ids) in known:  # for another configuration
                ids = f"{plan.configuration.id}-{kind}"
            known.add((key.node, ids))
            yield _check(key.node, f"[{ids}]", item, kind, key)


def _check(
    parent: pytest.Collector,
    name: str,
    item: pytest.Function,
    kind: Kind,
    key: TestKey | WideKey,
) -> Check:
    is_session = isinstance(parent, pytest.Session)
    more = {"nodeid": f"{SESSION}::{name}"} if is_session else {}
    check: Check = Check.from_parent(parent, name=name, kind=kind, key=key, **more)
    check.least = _plan_of(item).min_speedup
    for mark in getattr(item.function, "pytestmark", ()) if isinstance(key, TestKey) else ():
        if mark.name not in _OF_CASES:  # so that -m selects it together with its cases
            check.own_markers.append(mark)
            check.keywords[mark.name] = mark
    return check


def _key_of(item: pytest.Function, plan: Plan) -> TestKey | WideKey:
    """Return the key of what is judged: a workload, or a variant of one test."""
    return workload_key(item, plan) if variant_of(item) is None else key_of(item)


def _plan_of(item: pytest.Function) -> Plan:
    given, column = settings_of(item), column_of(item)
    if column is None and given.axes and given.choice == "backend":
        raise UsageError("it has no column of its matrix: it is plain, or was marked too late")
    return given.plan(column.configuration if column is not None else None)


def place(items: list[pytest.Item]) -> None:
    """Move each check behind the last case of its workload, even if tests were shuffled."""
    checks = [item for item in items if isinstance(item, Check)]
    if not checks:
        return
    rest = [item for item in items if not isinstance(item, Check)]
    last: dict[TestKey | WideKey, int] = {}
    for at, item in enumerate(rest):
        if isinstance(item, pytest.Function):
            with suppress(UsageError):  # raised again when the items are gathered
                last[_key_of(item, _plan_of(item))] = at
    behind: dict[int, list[pytest.Item]] = {}
    for check in checks:
        at = last.get(check.key, len(rest) - 1)
        behind.setdefault(at, []).append(check)
    items[:] = behind.get(-1, [])
    for at, item in enumerate(rest):
        items.append(item)
        items.extend(behind.get(at, []))


def make_others_plain(items: Iterable[pytest.Item]) -> None:
    """Count the items that are no functions, for a session in which every test is asked for."""
    for item in items:
        if isinstance(item, pytest.DoctestItem):
            make_plain(item, "doctest")
        elif not isinstance(item, pytest.Function | Check):
            make_plain(item, type(item).__name__)


def inform(check: Check, collected: Collected, *, xdist: bool) -> None:
    """Pass the check the results of its workload so far."""
    group = collected.groups.get(check.key)
    varied = collected.varied.groups.get(check.key) if isinstance(check.key, TestKey) else None
    if varied is not None:
        check.run = summarise(varied.entry(varied.judged(), xdist=xdist))
    if group is not None:
        asked = [case.plan.min_speedup for case in group.cases]
        check.least = max((least for least in asked if least is not None), default=None)
        entries = [case.judged.entry for case in group.cases if case.judged.entry is not None]
        check.run = summarise(group.entry(entries, xdist=xdist))
