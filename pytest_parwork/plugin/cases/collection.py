"""The assignment of items to workloads, and the errors for items that cannot be cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from ...model.errors import UsageError
from ...model.work import Plan
from ...report.data import RunEntry
from ...verify.reference import sample
from ...worker.fixtures.recipe import FixturePlan
from ..config.options import MARK
from ..config.settings import AXES, is_marked, marks, settings_of
from ..variants.collecting import Varied, is_varied
from .fixture_plans import named_fixtures
from .groups import CASE, NO_CASE, Case, Group
from .lazy import lazy_parameters
from .matrix import FIXTURE, TestKey, column_of, key_of, varied_parallelism
from .plain import is_plain_for, make_plain_for
from .support import plain_everywhere, supported_fixtures

#: Keywords that a single case cannot have, because they belong to a whole run.
_OF_RUNS = (*AXES, "vary", "inside", "chunksize", "min_speedup")


@dataclass(slots=True)
class Collected:
    """The result of collection: the number of generated cases, and the groups of selected cases.

    `ordinals` are the numbers of the items among those of their function in one configuration, in
    the order of generation; `uses` is the number of cases that share a reference, if more than one.
    """

    generated: Counter[TestKey] = field(default_factory=Counter)
    ordinals: dict[pytest.Item, int] = field(default_factory=dict)
    groups: dict[TestKey, Group] = field(default_factory=dict)
    uses: Counter[object] = field(default_factory=Counter)
    plans: dict[tuple[object, ...], FixturePlan | None] = field(default_factory=dict)
    classes: dict[type | None, Mapping[str, object]] = field(default_factory=dict)
    varied: Varied = field(default_factory=Varied)

    def count(self, item: pytest.Item) -> None:
        """Count a generated item, whether it is selected or not."""
        if isinstance(item, pytest.Function) and is_varied(item):
            self.varied.count(item)
        if is_case(item):
            assert isinstance(item, pytest.Function)
            place = key_of(item)
            self.ordinals[item] = self.generated[place]
            self.generated[place] += 1

    def gather(
        self,
        config: pytest.Config,
        items: Sequence[pytest.Item],
        unmarked: Mapping[tuple[object, str], int],
    ) -> None:
        """Put the selected items into groups; raises `UsageError` for those that cannot be cases.

        `unmarked` is the number of generated items of each function that had no marker by then.
        """
        plans: dict[tuple[object, ...], Plan] = {}
        for item in items:
            if not isinstance(item, pytest.Function):
                continue
            try:
                if is_varied(item):
                    self.varied.add(item)
                if not is_case(item):
                    continue
                # One plan for all cases of a test with the same marks, which the items keep alive.
                place = key_of(item)
                if place.column is None and (why := plain_everywhere(item)) is not None:
                    make_plain_for(item, why)
                    continue
                key = (*place, *map(id, marks(item)))
                if key not in plans:
                    plans[key] = _plan(item)
                try:
                    fixtures = self._fixtures(item, plans[key])
                except UsageError as error:
                    if not is_plain_for(item, error):
                        raise
                    make_plain_for(item, error)
                    continue
                self._add(item, plans[key], place, fixtures)
            except UsageError as error:
                message = f"{item.nodeid}: {error}"
                if not hasattr(config, "workerinput"):
                    raise pytest.UsageError(message) from None
                item.stash[NO_CASE] = message  # xdist shows its workers' reports, but not errors
        self.ordinals.clear()
        self._count_uses()
        for group in self.groups.values():
            group.varied = varied_parallelism(case.item for case in group.cases)
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
            if not group.expected:
                first = group.cases[0].item
                group.expected = unmarked.get((first.parent, first.originalname), 0)

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
        if place not in self.groups:
            self.groups[place] = Group(
                id=f"{place.parent.nodeid}::{item.originalname}",
                plan=plan,
                expected=self.generated[place],
                axes=place.column or "",
                imported=self._imported(item.cls),
            )
        group = self.groups[place]
        if plan.configuration != group.plan.configuration:
            raise UsageError(
                f"this case asks for {plan.configuration.id} but other cases of the test for "
                f"{group.plan.configuration.id}; all cases of one test need the same backend and "
                f"workers"
            )
        index, ordinal = len(group.cases), self.ordinals.pop(item, None)
        if ordinal == index:
            ordinal = index  # one int object instead of two
        id = f"{place.parent.nodeid}::{item.name}"
        case = Case(
            item=item,
            group=group,
            index=index,
            ordinal=ordinal,
            plan=plan,
            id=item.nodeid if item.nodeid == id else id,  # mostly equal: then one string object
            fixtures=fixtures,
        )
        group.cases.append(case)
        group.policies[str(plan.policy)] = None
        item.stash[CASE] = case

    def _count_uses(self) -> None:
        """Count the cases that share a reference, for functions with several groups of cases."""
        groups = Counter(key[:2] for key in self.groups)
        for key, group in self.groups.items():
            if groups[key[:2]] > 1:
                self.uses.update(case.key for case in group.cases)

    def _imported(self, cls: type | None) -> Mapping[str, object]:
        """Return the attributes of a class as they are before anything is set up."""
        if cls not in self.classes:
            self.classes[cls] = {} if cls is None else dict(vars(cls))
        return self.classes[cls]

    def _fixtures(self, item: pytest.Function, plan: Plan) -> FixturePlan | None:
        """Return the fixture plan of a case, shared by all cases that use the same fixtures."""
        name = plan.configuration.backend
        lazy = lazy_parameters(item).items()
        known = (*item.fixturenames, *named_fixtures(item), *lazy)
        key = (item.parent, item.originalname, name, *known)
        if key not in self.plans:
            self.plans[key] = supported_fixtures(item, name)
        return self.plans[key]


def is_case(item: pytest.Item) -> bool:
    """Return whether the item is fanned out: marked, without the `parwork` fixture and `vary=`."""
    return (
        isinstance(item, pytest.Function)
        and is_marked(item)
        and FIXTURE not in item.fixturenames
        and not is_varied(item)
    )


def _plan(item: pytest.Function) -> Plan:
    given, column = settings_of(item), column_of(item)
    _check_late_keywords(item, given.axes)
    return given.plan(column.configuration if column is not None else None)


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
