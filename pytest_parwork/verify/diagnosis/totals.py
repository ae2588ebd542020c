"""A number that is made of items: what it is with other contents of some, on both sides."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from ...model.dataclass import dataclass
from ...model.outcome import Outcome
from .bench import Experiment
from .items import ZERO, Changed, Steps, is_number, items_of, numbers_that_differ
from .laboratory import Laboratory
from .varied import FIRST, REFERENCE, VARIANT, Setting

#: What each experiment is run for: the reference and the variant.
Both: TypeAlias = tuple[Experiment, Experiment]

#: The largest relative difference that another order of summation explains: n terms in float64
#: differ by 1.1e-16 * n at worst, and n in float32, added in pairs, by 6e-8 * log2(n).
MOST_BY_ORDER = 1e-6

#: Changes that are so small against the result are no sign of an item that counts otherwise.
SMALL = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduced:
    """A number that differs, at `steps` in the result; `name` is the sequence it is made of."""

    steps: Steps
    name: str
    items: Any
    standard: float
    variant: float
    rest: str

    @property
    def scale(self) -> float:
        """The size of the results."""
        return max(abs(self.standard), abs(self.variant))

    @property
    def is_rounding(self) -> bool:
        """Whether they differ as little as rounding makes them."""
        return abs(self.standard - self.variant) <= MOST_BY_ORDER * self.scale

    def agree(self, one: float, other: float) -> bool:
        """Return whether two numbers are the same, but for rounding, next to the results."""
        return abs(one - other) <= SMALL * self.scale


def reduced(lab: Laboratory, setting: Setting, actual: Outcome, expected: Outcome) -> list[Reduced]:
    """Return the number that differs with each sequence that it may be made of.

    Several numbers are items, and no reduction of them.
    """
    steps = list(numbers_that_differ(actual.value, expected.value))
    if len(steps) != 1:
        return []
    numbers = [_number(one.value, steps[0]) for one in (expected, actual)]
    if not all(math.isfinite(one) for one in numbers):
        return []
    rest = "all other parts of the results are equal; " if steps[0] else ""
    return [
        Reduced(
            steps=steps[0],
            name=name,
            items=items,
            standard=numbers[0],
            variant=numbers[1],
            rest=rest,
        )
        for name, items in items_of(setting.body, lab.rerun.tasks[VARIANT].kwargs).items()
    ]


def _number(value: Any, steps: Steps) -> float:
    for step in steps:
        value = value[step]
    return float(value)


def moves(
    lab: Laboratory, one: Reduced, parts: Sequence[Sequence[int]]
) -> list[tuple[float, float]]:
    """Return by how much other contents of these items move both results.

    There is nothing to return if that fails, or if the results are not those of pytest's process.
    """
    contents = [dict.fromkeys(part, _another(one.items, part)) for part in parts]
    pairs = [both(lab, one, {}), *(both(lab, one, each) for each in contents)]
    (standard, variant), *changed = values(lab, pairs)
    if not (one.agree(standard, one.standard) and one.agree(variant, one.variant)):
        return []
    moves = [(each - standard, other - variant) for each, other in changed]
    return [] if any(math.isnan(number) for pair in moves for number in pair) else moves


def _another(items: Any, part: Sequence[int]) -> int:
    """Return an item with a content that none of a part has, the next one; zero if there is none.

    It is none of the part: what counts by its content would count the same after an exchange.
    """
    known = {repr(items[n]) for n in part}
    following = (*range(part[-1] + 1, len(items)), *range(part[0]))
    return next((n for n in following if repr(items[n]) not in known), ZERO)


def both(
    lab: Laboratory,
    one: Reduced,
    contents: Mapping[int, int],
    *,
    rounded: Sequence[str] = (),
    again: str = "",
) -> Both:
    what = ", ".join(f"{n} as {'zero' if m == ZERO else m}" for n, m in list(contents.items())[:3])
    more = f" and {len(contents) - 3} more" if len(contents) > 3 else ""
    label = f"with item {what}{more} of {one.name!r}" if contents else "with all items"
    label = f"{'with items of few bits' if rounded else label}{again}"
    treatment = Changed(steps=one.steps, contents={one.name: contents}, rounded=rounded)
    standard, variant = (
        replace(lab.experiment(f"{whose} {label}", treatment=treatment), tasks=(task,))
        for whose, task in (("the reference", REFERENCE), ("the variant", VARIANT))
    )
    return standard, variant


def values(lab: Laboratory, pairs: Sequence[Both]) -> list[tuple[float, float]]:
    """Return the numbers that experiments gave, NaN where they gave something else."""
    lab.measure([one for pair in pairs for one in pair], FIRST)

    def number(experiment: Experiment) -> float:
        value: Any = lab.outcomes(experiment, FIRST)[0].value
        return float(value) if is_number(value) else math.nan

    return [(number(standard), number(variant)) for standard, variant in pairs]
