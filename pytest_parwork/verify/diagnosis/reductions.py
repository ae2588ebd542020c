"""Probes for a number that is made of many items: which of them count, how far rounding goes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...equivalence import reordered_sum
from ...model.causes import Cause
from ...model.errors import ParworkError
from ...model.outcome import Outcome
from .items import ZERO, floats_in, items_of
from .laboratory import Laboratory
from .totals import Reduced, both, moves, reduced, values
from .varied import VARIANT, Setting

#: What the label of the second run of an experiment ends with.
RUN_2 = ", run 2"

#: Sets of items that are changed at once, and in how many rounds at most: few forks find one item.
SETS, ROUNDS = 6, 6

#: Contents of other items that are tried in place of those that count otherwise.
CONTENTS = 4

#: Most items that a cause names; if more count otherwise, no single one is the cause.
MOST = 3


def reduction(
    lab: Laboratory, setting: Setting, actual: Outcome, expected: Outcome
) -> Cause | None:
    """Find out which items a number is made of in the reference and not in the variant.

    Each item in turn gets the content of another one: where that moves the result of one side and
    not that of the other, or not as far, the item counts otherwise.
    """
    for one in reduced(lab, setting, actual, expected):
        # Counted first: an item that is lost may be as small as rounding is.
        found = _counted(lab, setting, one)
        if found is None and one.is_rounding:
            found = _order(lab, setting, one)
        if found is not None:
            return found
    return None


def _counted(lab: Laboratory, setting: Setting, one: Reduced) -> Cause | None:
    """Find the items that count in one of both results only, or more often in one of them."""
    odd, moves_both = _odd(lab, one)
    if not odd or len(odd) > MOST or len(odd) == len(one.items):
        return None
    agreeing = _agreeing(lab, one, odd)
    if agreeing is None and not moves_both:
        return None  # nothing shows that the other items count in both
    items, content = agreeing or (odd, ZERO)
    moved = moves(lab, one, [items[:1]])
    if not moved:
        return None
    standard, variant = moved[0]
    evidence = (
        f"{one.rest}another content of item {items[0]} of {one.name!r} moves the result of "
        f"{setting.reference} by {standard:.6g}, and that of {setting.label} by {variant:.6g}"
    )
    if agreeing is not None:
        what = "zero" if content == ZERO else f"the content of item {content}"
        evidence += f"; with {what} in its place both results agree, with its own they differ"
    return lab.cause(
        "REDUCTION_BUG",
        f"item {', '.join(map(str, items))}",
        evidence,
        "count each item once: look at the last chunk, and at the edges between chunks",
        confirmed=agreeing is not None,
    )


def _agreeing(
    lab: Laboratory, one: Reduced, odd: Sequence[int]
) -> tuple[Sequence[int], int] | None:
    """Return the fewest of these items, and the content with which both results agree each time.

    With their own contents the results have to differ each time.
    """
    near = sorted(set(range(len(one.items))) - set(odd), key=lambda n: abs(n - odd[0]))
    singles = [([n], content) for n in odd for content in (ZERO, *near[:1])]
    together = [(odd, content) for content in (ZERO, *near[:CONTENTS])]
    for tried in (singles, together):
        found = values(lab, [both(lab, one, dict.fromkeys(*each)) for each in tried])
        for each, pair in zip(tried, found, strict=True):
            if one.agree(*pair):
                again = [both(lab, one, what, again=RUN_2) for what in (dict.fromkeys(*each), {})]
                right, wrong = values(lab, again)
                return each if one.agree(*right) and not one.agree(*wrong) else None
    return None


def _odd(lab: Laboratory, one: Reduced) -> tuple[list[int], bool]:
    """Return the items whose content moves both results by something else, if they are few.

    Second, whether others move both by the same.
    """
    sets: list[Sequence[int]] = [range(len(one.items))]
    moves_both = False
    for _ in range(ROUNDS):
        parts = [part for each in sets for part in _cut(each, SETS)]
        found = moves(lab, one, parts)
        moves_both |= any(one.agree(*pair) and not one.agree(pair[0], 0.0) for pair in found)
        sets = [part for part, pair in zip(parts, found, strict=False) if not one.agree(*pair)]
        if not sets or len(sets) > MOST:
            break
        if all(len(part) == 1 for part in sets):
            return [part[0] for part in sets], moves_both
    return [], moves_both


def _cut(items: Sequence[int], count: int) -> list[Sequence[int]]:
    size = math.ceil(len(items) / count)
    return [items[at : at + size] for at in range(0, len(items), size)]


def _order(lab: Laboratory, setting: Setting, one: Reduced) -> Cause | None:
    """Find out whether nothing but rounding differs: with sums that are exact, both are the same.

    It has to be within the bound for a sum of these items in two orders, too: what computes in
    fewer bits would be exact for items of few bits as well.
    """
    terms = floats_in(one.items)
    total = math.fsum(terms) if terms else 0.0
    if not total:
        return None
    try:
        bound = reordered_sum([term * one.standard / total for term in terms])
        is_bounded = bool(bound(one.variant, one.standard))
    except (ParworkError, OverflowError):
        return None
    names = [name for name, items in _floats(lab, setting).items() if items]
    if not is_bounded:
        return None
    exact_pairs = [both(lab, one, {}, rounded=names, again=run) for run in ("", RUN_2)]
    plain_pairs = [both(lab, one, {}, again=run) for run in ("", RUN_2)]
    found = values(lab, [*exact_pairs, *plain_pairs])
    exact, plain = found[:2], found[2:]
    if any(a != b for a, b in exact) or any(a == b for a, b in plain):
        return None
    standard, variant = plain[0]
    return lab.cause(
        "REDUCTION_ORDER",
        setting.argument or setting.inside,
        f"{one.rest}with the items of {one.name!r} rounded to few bits, whose sum is exact in any "
        f"order, both results are the same; with the items as they are they differ by "
        f"{abs(variant - standard):.2g}, within the bound for {len(terms)} terms in two orders",
        "compare=close(rtol=...), ulp(n) or reordered_sum(terms)",
        confirmed=True,
    )


def uneven(lab: Laboratory, setting: Setting, actual: Outcome, expected: Outcome) -> Cause | None:
    """Return the suspicion that items weigh otherwise in the variant, or something that is no item.

    Only what a user knows could confirm it: that the number is to be a sum, or a mean.
    """
    name = setting.argument or setting.inside
    for one in reduced(lab, setting, actual, expected):
        last = len(one.items) - 1
        moved = moves(lab, one, [[0], [last // 2], [last]])
        if not moved or all(one.agree(a, 0.0) or one.agree(b, 0.0) for a, b in moved):
            continue
        if all(one.agree(*pair) for pair in moved):
            what = (
                f"each item of {one.name!r} moves both results alike, so what differs is not made "
                f"of items, such as an initial value that counts once for each chunk"
            )
        else:
            standard, variant = next(pair for pair in moved if not one.agree(*pair))
            what = (
                f"items of {one.name!r} weigh otherwise: the same change of one moves the result "
                f"of {setting.reference} by {standard:.6g}, and that of {setting.label} by "
                f"{variant:.6g}, as in a mean of means"
            )
        remedy = "reduce the parts with their sizes, and start with nothing but the first one"
        return lab.cause("REDUCTION_BUG", name, f"{one.rest}{what}", remedy)
    return None


def _floats(lab: Laboratory, setting: Setting) -> dict[str, list[float]]:
    given = items_of(setting.body, lab.rerun.tasks[VARIANT].kwargs)
    return {name: floats_in(items) for name, items in given.items()}
