"""The cases of tests that vary something: siblings that share a reference, and their groups."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

import pytest

from ...equivalence import show
from ...machine.deadline import Shared
from ...model.causes import Cause
from ...model.comparison import OwnComparison, Side
from ...model.dataclass import dataclass
from ...model.errors import UsageError
from ...model.observed import Observed
from ...model.work import Plan
from ...report.data import RunEntry
from ...report.entries import CaseEntry
from ...verify.legs import Terms
from ...verify.reference import Called
from ..config.options import MARK, RECORDS
from ..config.settings import settings_of
from ..config.varied import CHOICES, Variant

if TYPE_CHECKING:
    from ...verify.computed import Collection


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Siblings:
    """The variants of one case: items that differ in what is varied only.

    `side` names the reference in texts, `values` are its arguments; `reference` is the item that
    has them, selected or not, None where no item has. `called` is the outcome of the reference as
    long as `waiting` variants need it, `observed` what ran meanwhile, `collection` the
    collection of dask that it returned, `folder` its `tmp_path`. `is_tried` says that
    the reference was run, or that its item failed or was skipped before its body; `why` says why
    there is no outcome.
    """

    id: str
    side: Side
    values: Mapping[str, object]
    reference: pytest.Function | None = None
    waiting: int = 0
    called: Called | None = None
    observed: Observed = field(default_factory=Observed)
    collection: Collection | None = None
    folder: str = ""
    is_tried: bool = False
    why: str = ""

    def done(self) -> None:
        """Note that a variant does not need the reference any more; the last one releases it."""
        self.waiting -= 1
        if self.waiting <= 0:
            self.called = self.collection = None


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class VariedCase:
    """One selected item of a test that varies something.

    `index` is its place in the group. `entry`, `message` and `is_like` are the verdict: None and
    empty until it is compared, and always for a reference. `is_waiting` says that it still needs
    the reference.
    """

    item: pytest.Function
    variant: Variant
    siblings: Siblings
    group: VariedGroup
    index: int
    plan: Plan
    id: str
    is_waiting: bool = True
    entry: CaseEntry | None = None
    message: str = ""
    is_like: bool = False

    @property
    def is_compared(self) -> bool:
        """Whether it is compared with a reference, as opposed to being one."""
        return not self.variant.is_reference

    @property
    def key(self) -> Hashable:
        """The key that all variants of the case share."""
        return id(self.siblings)

    @property
    def side(self) -> Side:
        """The names of its run in texts."""
        label = self.variant.label
        where = "inside" if self.variant.inside else "with"
        return Side(name=label, run=f"the run {where} {label}")

    def terms(self, own: OwnComparison | None = None) -> Terms:
        """Return the terms by which it is judged."""
        return Terms(
            id=self.id,
            index=self.index,
            run="",
            actual=self.side,
            reference=self.siblings.side,
            policy=self.plan.policy,
            timeout=Shared.of(self.plan.timeout),
            own=own,
            must_return=True,
            is_recorded=self.item.config.stash[RECORDS],
        )

    def done(self) -> None:
        """Note that it does not need the reference any more."""
        if self.is_waiting:
            self.is_waiting = False
            if self.is_compared:
                self.siblings.done()


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class VariedGroup:
    """All cases of a test in one variant; the counterpart of `Group` in reports.

    `expected` is the number of cases without `-k` and similar options. `causes` are those of the
    first difference, None until there is one. `kept` are the cases that are equal, with the
    arguments of their bodies, for perturbed runs; None without these.
    """

    id: str
    variant: Variant
    expected: int
    cases: list[VariedCase] = field(default_factory=list)
    policies: dict[str, None] = field(default_factory=dict)
    is_reported: bool = False
    causes: tuple[Cause, ...] | None = None
    kept: list[tuple[VariedCase, Mapping[str, object]]] | None = None

    def judged(self) -> list[CaseEntry]:
        """Return the entries of the cases that have one."""
        return [case.entry for case in self.cases if case.entry is not None]

    def entry(self, cases: Sequence[CaseEntry], *, xdist: bool = False) -> RunEntry:
        """Return the entry of the run with these cases."""
        return RunEntry(
            id=self.id,
            configuration_id=self.variant.label,
            backend="",
            asked=self.variant.variation.workers or "auto",
            policy=", ".join(self.policies),
            cases=tuple(cases),
            expected=self.expected,
            xdist=xdist,
            variation=self.variant.variation,
            causes=self.causes or (),
            is_baseline=self.variant.variation.is_baseline,
        )


#: The variant of a case that is selected, and the siblings of an item that runs hidden.
VARIED = pytest.StashKey[VariedCase]()
HIDDEN = pytest.StashKey[Siblings]()


def ordered(
    items: Sequence[pytest.Item], key: Callable[[pytest.Item], tuple[Hashable, int] | None]
) -> Iterator[pytest.Item]:
    """Yield the items with variants of one case together, in the order of their values.

    They are where the first of them was: another plugin may have shuffled the items. `key` gives
    the case of an item and the number of its value, None for all other items.
    """
    together: dict[Hashable, list[tuple[int, pytest.Item]]] = {}
    for item in items:
        if (found := key(item)) is not None:
            together.setdefault(found[0], []).append((found[1], item))
    for item in items:
        found = key(item)
        if found is None:
            yield item
        else:
            members = together.pop(found[0], ())
            yield from (item for _, item in sorted(members, key=lambda member: member[0]))


def plan_of(item: pytest.Function) -> Plan:
    """Return the plan of an item; raises `UsageError` for markers that came too late."""
    given = settings_of(item)
    callspec = getattr(item, "callspec", None)
    for mark in callspec.marks if callspec is not None else ():
        wrong = [k for k in CHOICES if k in mark.kwargs] if mark.name == MARK else ()
        if wrong:
            raise UsageError(
                f"{wrong[0]}={show(mark.kwargs[wrong[0]])} on a pytest.param: all cases of a test "
                f"vary the same; put it on the function"
            )
    return given.plan()
