"""The assignment of items to workloads, and the errors for items that cannot be cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import field, replace

import pytest

from ...backends.protocol import is_threaded
from ...model.dataclass import dataclass
from ...model.errors import UsageError
from ...model.work import Plan
from ...report.data import RunEntry
from ...verify.reference import sample
from ...worker.fixtures.recipe import FixturePlan
from ..cases.bodies import class_of
from ..cases.company import resetting_fixtures
from ..cases.groups import CASE, NO_CASE, Case, Group
from ..cases.lazy import lazy_parameters
from ..cases.matrix import (
    TestKey,
    WideKey,
    column_of,
    key_of,
    varied_parallelism,
    workload_key,
)
from ..cases.plain import is_plain_for, make_plain_for
from ..config.commands import SESSION
from ..config.marks import marks
from ..config.options import MARK, is_partly_collected
from ..config.registry import backend_named
from ..config.settings import AXES, settings_of
from ..sending.fixture_plans import named_fixtures
from ..sending.support import (
    check_can_start,
    plain_everywhere,
    supported_fixtures,
    used_up_parameter,
)
from ..variants.collecting import Varied, way_of
from .mistakes import Mistakes

#: Keywords that a single case cannot have, because they belong to a whole run.
_OF_RUNS = (*AXES, "vary", "inside", "chunksize", "min_speedup", "scope")


@dataclass(slots=True)
class Collected:
    """The result of collection: the number of generated cases, and the groups of selected cases.

    `ordinals` are the numbers of the items among those of their function in one configuration, in
    the order of generation; `firsts` is one item for each function and configuration; `uses` is the
    number of cases that share a reference, if more than one; `checks` are the checks that exist.
    """

    generated: Counter[TestKey] = field(default_factory=Counter)
    ordinals: dict[pytest.Item, int] = field(default_factory=dict)
    firsts: dict[TestKey, pytest.Function] = field(default_factory=dict)
    groups: dict[TestKey | WideKey, Group] = field(default_factory=dict)
    uses: Counter[object] = field(default_factory=Counter)
    checks: set[tuple[object, ...]] = field(default_factory=set)
    plans: dict[tuple[object, ...], FixturePlan | None] = field(default_factory=dict)
    classes: dict[type | None, Mapping[str, object]] = field(default_factory=dict)
    varied: Varied = field(default_factory=Varied)
    mistakes: Mistakes = field(default_factory=Mistakes)

    def count(self, item: pytest.Item) -> None:
        """Count a generated item, whether it is selected or not."""
        if not isinstance(item, pytest.Function):
            return
        way = way_of(item)
        if way == "varied":
            self.varied.count(item)
        elif way == "case":
            place = key_of(item)
            self.ordinals[item] = self.generated[place]
            self.generated[place] += 1
            self.firsts.setdefault(place, item)

    def gather(
        self,
        config: pytest.Config,
        items: list[pytest.Item],
        unmarked: dict[tuple[object, str], int],
    ) -> None:
        """Put the selected items into groups, and note the mistakes of those that cannot be cases.

        Items of functions with a mistake in the marker are left out. `unmarked` is the number of
        generated items of each function that had no marker by then.
        """
        items[:] = [item for item in items if not self.mistakes.has(item)]
        plans: dict[tuple[object, ...], Plan | UsageError] = {}
        for item in items:
            if not isinstance(item, pytest.Function):
                continue
            try:
                way = way_of(item)
                if way == "varied":
                    self.varied.add(item)
                elif way == "case":
                    self._gather(item, plans)
            except UsageError as error:
                item.stash[NO_CASE] = f"{item.nodeid}: {error}"
                # xdist shows the reports of its workers, but not their errors.
                if not hasattr(config, "workerinput"):
                    self.mistakes.note_selected(item, error)
        self.ordinals.clear()
        self._count_uses()
        self._count_expected(config, unmarked)
        self.firsts.clear()
        for group in self.groups.values():
            group.varied = _varied(group)
            shares = {case.plan.verify for case in group.cases}
            if shares != {1}:
                group.verified = frozenset().union(
                    *(
                        sample(
                            [case.id for case in group.cases if case.plan.verify == share], share
                        )
                        for share in shares
                    )
                )

    def _gather(
        self, item: pytest.Function, plans: dict[tuple[object, ...], Plan | UsageError]
    ) -> None:
        """Make a case of the item, or let it be plain."""
        # One plan for all cases of a test with the same marks, which the items keep alive.
        place = key_of(item)
        key = (*place, *map(id, marks(item)))
        if key not in plans:
            plans[key] = self._plan_of(item)
        plan = plans[key]
        try:
            if isinstance(plan, UsageError):
                raise plan.with_traceback(None)
            fixtures = self._fixtures(item, plan)
        except UsageError as error:
            if not is_plain_for(item, error):
                raise
            make_plain_for(item, error)
            self.generated[place] -= 1
        else:
            self._add(item, plan, place, fixtures)

    @staticmethod
    def _plan_of(item: pytest.Function) -> Plan | UsageError:
        """Return the plan of an item, or why it is plain on all columns of its matrix."""
        if (why := plain_everywhere(item)) is not None:
            return why
        plan = _plan(item)
        check_can_start(item.config, plan.configuration.backend)
        return plan

    def _count_expected(
        self, config: pytest.Config, unmarked: dict[tuple[object, str], int]
    ) -> None:
        """Count the cases that each workload has when none is deselected."""
        wide = {key for key in self.groups if isinstance(key, WideKey)}
        numbers: Counter[TestKey | WideKey] = Counter()
        for place, first in self.firsts.items() if wide else ():
            with suppress(UsageError):  # raised before if the item is selected
                numbers[workload_key(first, _plan(first))] += self.generated[place]
        for key, group in self.groups.items():
            if isinstance(key, WideKey):
                late = {_test_of(case) for case in group.cases if case.ordinal is None}
                marked_late = sum(unmarked.get(test, 0) for test in late)
                is_partial = is_partly_collected(config, key.node)
                group.expected = None if is_partial else numbers[key] + marked_late
            else:
                group.expected = self.generated[key] or unmarked.get(key[:2], 0)

    def entries(self) -> Iterator[RunEntry]:
        """Yield the entries of all judged cases, by group."""
        for group in self.groups.values():
            entries = [case.judged.entry for case in group.cases if case.judged.entry is not None]
            if entries:
                yield group.entry(entries)
        yield from self.varied.entries()

    def _add(
        self, item: pytest.Function, plan: Plan, place: TestKey, fixtures: FixturePlan | None
    ) -> None:
        key = workload_key(item, plan, place)
        if key not in self.groups:
            self.groups[key] = self._group(key, item, plan)
        group = self.groups[key]
        if plan.configuration != group.plan.configuration:
            raise UsageError(
                f"this case asks for {plan.configuration.id} but other cases of the test for "
                f"{group.plan.configuration.id}; all cases of one test need the same backend and "
                f"workers"
            )
        cls = class_of(item)
        if cls is not None and cls not in self.classes:
            # The attributes of a class as they are before anything is set up.
            self.classes[cls] = dict(vars(cls))
        index, ordinal = len(group.cases), self.ordinals.pop(item, None)
        if ordinal == index:
            ordinal = index  # one int object instead of two
        id, nodeid = f"{place.parent.nodeid}::{item.name}", item.nodeid
        case = Case(
            item=item,
            group=group,
            index=index,
            ordinal=ordinal,
            plan=plan,
            id=nodeid if nodeid == id else id,  # mostly equal: then one string object
            fixtures=fixtures,
        )
        if not group.cases or plan is not group.cases[-1].plan:
            group.policies[str(plan.policy)] = None
        group.cases.append(case)
        item.stash[CASE] = case

    def _group(self, key: TestKey | WideKey, item: pytest.Function, plan: Plan) -> Group:
        """Return a new group without cases."""
        if isinstance(key, TestKey):
            id = f"{key.parent.nodeid}::{item.originalname}"
            return Group(id=id, plan=plan, expected=0, imported=self.classes)
        id = SESSION if plan.scope == "session" else key.node.nodeid
        return Group(id=id, plan=plan, scope=plan.scope, expected=0, imported=self.classes)

    def _count_uses(self) -> None:
        """Count the cases that share a reference, for functions with several groups of cases."""
        tests = {
            key: {key[:2]} if isinstance(key, TestKey) else set(map(_test_of, group.cases))
            for key, group in self.groups.items()
        }
        groups = Counter(test for those in tests.values() for test in those)
        for key, group in self.groups.items():
            if shared := {test for test in tests[key] if groups[test] > 1}:
                self.uses.update(c.key for c in group.cases if _test_of(c) in shared)

    def _fixtures(self, item: pytest.Function, plan: Plan) -> FixturePlan | None:
        """Return the fixture plan of a case, shared by all cases that use the same fixtures."""
        name = plan.configuration.backend
        lazy = lazy_parameters(item).items()
        known = (*item.fixturenames, *named_fixtures(item), *lazy)
        own = (mark.name for mark in item.own_markers)  # some plugins act by a mark of one case
        key = (item.parent, item.originalname, name, used_up_parameter(item), *known, *own)
        if key not in self.plans:
            self.plans[key] = supported_fixtures(item, name)
        return self.plans[key]


def _varied(group: Group) -> tuple[str, ...]:
    """Return the parameters that look like a number of workers, of any of its tests."""
    if group.scope == "function":
        return varied_parallelism(case.item for case in group.cases)
    tests: dict[object, list[pytest.Function]] = {}
    for case in group.cases:
        tests.setdefault(_test_of(case), []).append(case.item)
    found = (name for items in tests.values() for name in varied_parallelism(items))
    return tuple(dict.fromkeys(found))


def _test_of(case: Case) -> tuple[object, str]:
    """Return the test of a case, in whatever configuration."""
    return case.item.parent, case.item.originalname


def _plan(item: pytest.Function) -> Plan:
    given, column = settings_of(item), column_of(item)
    _check_late_keywords(item, given.axes)
    plan = given.plan(column.configuration if column is not None else None)
    if is_threaded(backend_named(item.config, plan.configuration.backend)):
        names = dict.fromkeys((*plan.exclusive, *resetting_fixtures(item)))
        if len(names) > len(plan.exclusive):  # else all tests with the same marks share one plan
            plan = replace(plan, exclusive=tuple(names))
    return plan


def _check_late_keywords(item: pytest.Function, axes: Mapping[str, object]) -> None:
    """Reject keywords of late markers that would need another parametrization."""
    callspec = getattr(item, "callspec", None)
    for mark in callspec.marks if callspec is not None else ():
        wrong = [key for key in _OF_RUNS if mark.name == MARK and key in mark.kwargs]
        if wrong:
            raise UsageError(
                f"{wrong[0]}={mark.kwargs[wrong[0]]!r} on a pytest.param: all cases of a test run "
                f"on the same configurations; put it on the function"
            )
    early = [*getattr(item.function, "pytestmark", ()), *(callspec.marks if callspec else ())]
    for mark in item.own_markers:
        if mark.name == MARK and "min_speedup" in mark.kwargs and all(mark is not e for e in early):
            raise UsageError(
                f"min_speedup={mark.kwargs['min_speedup']!r} was added after collection, too late "
                f"for the test item that judges it; put it on the function, class or module"
            )
    if axes and column_of(item) is None:
        axis, values = next(iter(axes.items()))
        raise UsageError(
            f"{axis}={values!r} was added after parametrization, too late to make a matrix; "
            f"put it on the function, or give add_marker a single value"
        )
