"""Probe for parts of a result that follow the content of other items, in a variant only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...model.causes import Cause
from ...model.outcome import Outcome
from .bench import Experiment
from .items import Changed, is_array, items_of
from .laboratory import Laboratory
from .varied import FIRST, REFERENCE, VARIANT, Setting

#: How often each runs, in a fork of its own.
TWICE = 2

#: Most neighbours that are changed one at a time, the nearest ones.
MOST = 16

#: Most of them that a text names.
SHOWN = 3

#: Longer results take too long to compare item by item.
LONGEST = 10_000


def interference(
    lab: Laboratory, setting: Setting, actual: Outcome, expected: Outcome
) -> Cause | None:
    """Find out whether an element follows the content of its neighbours, in the variant only.

    With a copy of the same item in place of each other one, of the same type and shape, no rounding
    excuses another result: what computes an element from its item alone gives the same bits.
    """
    where = _first_difference(lab, actual.value, expected.value)
    if where is None:
        return None
    at, length = where
    for name, items in items_of(setting.body, lab.rerun.tasks[VARIANT].kwargs).items():
        if len(items) != length:
            continue
        others = [place for place in range(length) if place != at]
        experiments = [
            *_pair(lab, name, at, {}, "as it is"),
            *_pair(lab, name, at, dict.fromkeys(others, at), f"with copies of item {at} around it"),
        ]
        single = _single(lab, name, at, others)
        lab.measure([*single.values(), *(one for each in experiments for one in each)], FIRST)
        found = [one for one in (_result(lab, each) for each in experiments) if one is not None]
        if len(found) < len(experiments):
            continue
        standard, variant, standard_alike, variant_alike = found
        if lab.same(standard, standard_alike) and not lab.same(variant, variant_alike):
            is_right = lab.same(variant_alike, standard) and not lab.same(variant, standard)
            named = _named(
                name, [n for n in single if lab.differ(lab.outcomes(single[n], FIRST), [variant])]
            )
            return _cause(lab, setting, at, named, is_right=is_right)
    return None


def _cause(lab: Laboratory, setting: Setting, at: int, named: str, *, is_right: bool) -> Cause:
    value = "the value of the reference" if is_right else "another value"
    return lab.cause(
        "INTERFERENCE",
        setting.argument or setting.inside,
        f"with a copy of item {at} in place of {named}, {setting.label} gives {value} for item "
        f"{at}, each time; {setting.reference} gives the same value for it with either",
        "compute each item from itself alone: no type, scale, padding or buffer that it gets from "
        "others in its chunk",
        confirmed=is_right,
    )


def _pair(
    lab: Laboratory, name: str, at: int, contents: dict[int, int], what: str
) -> list[list[Experiment]]:
    """Return the experiments on one element of the reference and of the variant."""
    treatment = Changed(steps=(at,), contents={name: contents})
    return [
        [
            replace(one, tasks=(task,))
            for one in lab.series(
                f"item {at} of {whose}, {what} ({name})",
                count=TWICE,
                treatment=treatment,
            )
        ]
        for whose, task in (("the reference", REFERENCE), ("the variant", VARIANT))
    ]


def _result(lab: Laboratory, experiments: Sequence[Experiment]) -> Outcome | None:
    """Return the outcome of an experiment that is the same each time, None if it is not."""
    first, *again = (lab.outcomes(one, FIRST)[0] for one in experiments)
    is_one = first.kind == "value" and all(lab.same(one, first) for one in again)
    return first if is_one else None


def _single(lab: Laboratory, name: str, at: int, others: Sequence[int]) -> dict[int, Experiment]:
    """Return an experiment for each of the nearest neighbours: it alone is changed."""
    near = sorted(others, key=lambda place: abs(place - at))[:MOST]
    return {
        place: replace(
            lab.experiment(
                f"item {at} of the variant, with a copy of it as item {place} ({name})",
                treatment=Changed(steps=(at,), contents={name: {place: at}}),
            ),
            tasks=(VARIANT,),
        )
        for place in near
    }


def _named(name: str, places: Sequence[int]) -> str:
    if not places:
        return f"the other items of {name!r}"
    shown = ", ".join(map(str, sorted(places[:SHOWN])))
    more = f" or of {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    return f"item {shown}{more} of {name!r}"


def _first_difference(lab: Laboratory, actual: Any, expected: Any) -> tuple[int, int] | None:
    """Return the first place at which two sequences differ, and their length."""
    is_pair = (is_array(actual) and is_array(expected) and actual.ndim) or (
        type(actual) is type(expected) and isinstance(actual, list | tuple)
    )
    if not is_pair or len(actual) != len(expected) or len(actual) > LONGEST:
        return None
    pairs = enumerate(zip(actual, expected, strict=True))
    outcomes = ((at, [Outcome(kind="value", value=one) for one in pair]) for at, pair in pairs)
    return next(((at, len(actual)) for at, pair in outcomes if not lab.same(*pair)), None)
