"""Probe for results that differ from where on a library leaves the thread of its caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...model.causes import Cause
from ...model.outcome import Outcome
from .items import is_array
from .laboratory import Laboratory
from .varied import Setting, result

#: So many elements have to be equal before the place, and to differ behind it.
FEWEST = 2


def dispatching(
    lab: Laboratory, setting: Setting, actual: Outcome, expected: Outcome
) -> Cause | None:
    """Find out whether elements differ from one place on, which grows with the number of workers.

    joblib takes as many items as `pre_dispatch` says (twice the number of workers) from a generator
    in the thread of its caller, and later ones in threads of its own, as tasks end. Where chunks
    begin to differ, in contrast, their place shrinks with their number.
    """
    place, workers = _first(lab, actual.value, expected.value), setting.value
    if place is None or type(workers) is not int or place == workers:
        return None  # a value that is the place itself is the length of a chunk
    for value, number in setting.others:
        if type(value) is not int:
            continue
        what = f"{setting.argument}={value}"
        one = replace(lab.experiment(f"with {what}"), tasks=(number,))
        runs = [result(lab, each) for each in (one, replace(one, label=f"{one.label}, run 2"))]
        places = {_first(lab, each.value, expected.value) for each in runs}
        moved = places.pop() if len(places) == 1 else None
        if moved is None or value == workers or moved * workers != place * value:
            continue
        return lab.cause(
            "CHUNK_DEPENDENT",
            setting.argument or setting.inside,
            f"the first {place} elements are equal, and elements from {place} on differ; with "
            f"{what}, the first {moved} are equal: so many a library takes in the thread of its "
            f"caller, and later ones in threads that lack its context",
            "make the items before the call (a list in place of a generator), or set in each what "
            "it needs of its thread",
            confirmed=True,
        )
    return None


def _first(lab: Laboratory, actual: Any, expected: Any) -> int | None:
    """Return the place from which on most elements differ, and before which none does."""
    is_pair = (is_array(actual) and is_array(expected) and actual.ndim) or (
        type(actual) is type(expected) and isinstance(actual, list | tuple)
    )
    if not is_pair or len(actual) != len(expected):
        return None
    different = [not _is_same(lab, pair) for pair in zip(actual, expected, strict=True)]
    place = different.index(True) if True in different else 0
    is_so = 2 * sum(different[place:]) > len(different) - place
    return place if is_so and FEWEST <= place <= len(different) - FEWEST else None


def _is_same(lab: Laboratory, pair: Sequence[object]) -> bool:
    return lab.same(*(Outcome(kind="value", value=one) for one in pair))
