"""The making and placing of checks: behind the last case of what they judge, and informed of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

import pytest

from ...model.errors import UsageError
from ...model.work import Plan
from ...report.data import summarise
from ..cases.kept import Kept
from ..cases.matrix import FIXTURE, TestKey, WideKey, column_of, key_of, workload_key
from ..cases.plain import make_plain
from ..config.commands import SESSION
from ..config.marks import has_mark
from ..config.options import is_exercise_strict, is_fanned_out, is_own_strict, is_selftest, stress
from ..config.settings import Column, settings_of
from ..config.varied import Variant
from ..variants.axis import variant_of
from ..variants.collecting import way_of
from .checks import Check, Kind
from .collection import Collected

#: Marks that decide how cases run, as opposed to marks that select them.
_OF_CASES = {"parametrize", "usefixtures", "skip", "skipif", "xfail"}


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
        makes_calls = FIXTURE in item.fixturenames
        is_judged = way_of(item) == "case" if variant is None else not variant.is_reference
        if not (is_judged or (makes_calls and stress(item.config))):
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
        calls: Sequence[Kind] = ("stress",)
        for kind in calls if makes_calls else _kinds(item, plan, is_strict=is_strict):
            if (key, kind) in known:
                continue
            known.add((key, kind))
            label = variant.id if variant is not None else getattr(column, "label", "")
            ids = f"{label}-{kind}" if label else kind
            if isinstance(key, TestKey):
                check = _check(collector, f"{name}[{ids}]", item, kind, key)
                if kind == "stress":
                    check.cases = [one for one in items if column_of_case(one) is column]
                yield check
                continue
            if (key.node, ids) in known:  # for another configuration
                ids = f"{plan.configuration.id}-{kind}"
            known.add((key.node, ids))
            yield _check(key.node, f"[{ids}]", item, kind, key)


def _kinds(item: pytest.Item, plan: Plan, *, is_strict: bool) -> Iterator[Kind]:
    """Yield the kinds of checks of a workload of cases, or of a variant."""
    if is_strict:
        yield "exercised"
    if plan.min_speedup is not None:
        yield "min_speedup"
    if is_selftest(item.config):
        yield "selftest"
    if stress(item.config):
        yield "stress"


def column_of_case(item: pytest.Item) -> Column | Variant | None:
    """Return the column of a case in the matrix of its test, or its variant; None without one."""
    return variant_of(item) or column_of(item)


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
    """Return the key of what is judged: a workload, a variant or the calls of one test."""
    is_workload = variant_of(item) is None and FIXTURE not in item.fixturenames
    return workload_key(item, plan) if is_workload else key_of(item)


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


def add_cases(items: list[pytest.Item]) -> None:
    """Put the cases of a workload before the item that perturbs it, if none is selected.

    With `--lf`, or its node id, nothing else may be selected, and it needs results to compare with.
    """
    selected = set(items)
    for check in [item for item in items if isinstance(item, Check) and item.cases]:
        if selected.isdisjoint(check.cases):
            at = items.index(check)
            items[at:at] = check.cases


def keep_for_stress(items: Iterable[pytest.Item], collected: Collected) -> None:
    """Keep what perturbed runs need of the groups that they will be made of."""
    for check in items:
        if isinstance(check, Check) and check.kind == "stress":
            group = collected.groups.get(check.key)
            if not is_fanned_out(check.config):
                continue
            if group is not None:
                group.kept = Kept(check.nodeid)
            elif isinstance(check.key, TestKey) and check.key in collected.varied.groups:
                collected.varied.groups[check.key].kept = []


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
