"""The assignment of items to siblings and groups of variants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, Literal

import pytest

from ...model.errors import UsageError
from ..cases.matrix import FIXTURE, TestKey, key_of
from ..cases.plain import UnsupportedError, is_plain_for, make_plain_for
from ..config.settings import choice_of, settings_of
from ..sending.support import check_kind
from .axis import NOT_TAKEN, VARIANT, rest_of, variant_of

if TYPE_CHECKING:
    from ...report.data import RunEntry
    from .cases import Siblings, VariedGroup


class Varied:
    """The items of all tests that vary something, generated and selected."""

    def __init__(self) -> None:
        self.groups: dict[TestKey, VariedGroup] = {}
        self._siblings: dict[Hashable, Siblings] = {}
        self._generated: Counter[TestKey] = Counter()

    @property
    def is_any(self) -> bool:
        """Whether any test varies something."""
        return bool(self._generated)

    def count(self, item: pytest.Function) -> None:
        """Count a generated item, whether it is selected or not; note those of references."""
        variant = variant_of(item)
        if variant is None:
            return
        self._generated[key_of(item)] += 1
        if variant.is_reference:
            self._of(item).reference = item

    def add(self, item: pytest.Function) -> None:
        """Add a selected item, or make it plain; raises `UsageError` if it can be neither."""
        try:
            self._add(item)
        except UnsupportedError as error:
            if not is_plain_for(item, error):
                raise
            make_plain_for(item, error)

    def _add(self, item: pytest.Function) -> None:
        from .cases import VARIED, VariedCase, VariedGroup, plan_of  # most sessions vary nothing

        variant = variant_of(item)
        vary = settings_of(item).values["vary"] or {}
        if variant is None and not vary.keys() <= set(item.fixturenames):
            text = f"the test does not take all of {', '.join(map(repr, vary))}, which vary= names"
            raise UnsupportedError(text, reason=NOT_TAKEN)
        if variant is None:
            raise UsageError(
                "vary= was added after parametrization, too late to vary anything; put it on the "
                "function, class or module"
            )
        check_kind(item)
        plan, key, siblings = plan_of(item), key_of(item), self._of(item)
        if key not in self.groups:
            self.groups[key] = VariedGroup(
                id=f"{key.parent.nodeid}::{item.originalname}",
                variant=variant,
                expected=self._generated[key],
            )
        group = self.groups[key]
        case = VariedCase(
            item=item,
            variant=variant,
            siblings=siblings,
            group=group,
            index=len(group.cases),
            plan=plan,
            id=f"{key.parent.nodeid}::{item.name}",
        )
        group.cases.append(case)
        group.policies[str(plan.policy)] = None
        siblings.waiting += case.is_compared
        item.stash[VARIED] = case

    def place(self, item: pytest.Item) -> tuple[Hashable, int] | None:
        """Return the case of an item, and the number of its variant; None for other items."""
        variant = variant_of(item)
        if variant is None or not isinstance(item, pytest.Function):
            return None
        return self._key(item), item.callspec.indices[VARIANT]

    def entries(self) -> Iterator[RunEntry]:
        """Yield the entries of all judged cases, by group."""
        for group in self.groups.values():
            if judged := group.judged():
                yield group.entry(judged)

    def _of(self, item: pytest.Function) -> Siblings:
        key = self._key(item)
        if key not in self._siblings:
            from ...model.comparison import Side
            from .cases import Siblings

            variant = variant_of(item)
            assert variant is not None
            assert item.parent is not None
            rest = rest_of(item, variant)
            name = f"{item.originalname}[{rest}]" if rest else item.originalname
            label = variant.variation.reference
            side = Side(name=label, run=f"the reference, {label}")
            self._siblings[key] = Siblings(
                id=f"{item.parent.nodeid}::{name}", side=side, values=variant.reference_values
            )
        return self._siblings[key]

    @staticmethod
    def _key(item: pytest.Function) -> Hashable:
        variant = variant_of(item)
        assert variant is not None
        return item.parent, item.originalname, rest_of(item, variant)


def way_of(item: pytest.Function) -> Literal["case", "varied"] | None:
    """Return what an item is: a case, or one of a test that varies something; None for others.

    A test that makes calls is neither. Raises `UsageError` for a wrong marker.
    """
    if FIXTURE in item.fixturenames:
        return None
    if variant_of(item) is not None:
        return "varied"
    choice = choice_of(item)
    return None if choice is None else "case" if choice == "backend" else "varied"
