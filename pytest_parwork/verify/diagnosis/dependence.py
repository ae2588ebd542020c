"""Why results follow what is varied: edges of chunks, rounding, streams of random numbers."""

from __future__ import annotations

from dataclasses import replace

from ...equivalence import compare_outcomes, exact
from ...model.causes import Cause
from ...model.outcome import Outcome
from ...runner.ambient import NATIVE
from .dispatching import dispatching
from .laboratory import Laboratory
from .neighbours import interference
from .reductions import reduction, uneven
from .reseeding import seeds_of
from .seams import seams_of
from .streams import random_stream
from .totals import MOST_BY_ORDER
from .varied import Setting, result


def dependence(lab: Laboratory, setting: Setting, actual: Outcome, expected: Outcome) -> Cause:
    """Return the cause of results that follow what is varied, each time."""
    each = f"{setting.label} and {setting.reference} each give the same result each time"
    if setting.inside == NATIVE:
        return lab.cause(
            "NATIVE_THREADS",
            "",
            f"{each}, and nothing but the number of native threads (BLAS, OpenMP) differs",
            "compare=close(rtol=...), or limit the threads where the result has to be the same",
            confirmed=True,
        )
    name = setting.argument or setting.inside
    if (seams := _seams(lab, setting, actual, expected)) is not None:
        where, is_sure = seams
        return lab.cause(
            "CHUNK_DEPENDENT",
            name,
            f"{each}, and {where}",
            "let chunks overlap by what the function looks at, such as depth=",
            confirmed=is_sure,
        )
    is_rounding = _is_rounding(actual, expected)
    stream = None if is_rounding else random_stream(lab, setting, actual, expected)
    if stream is not None and stream.confirmed:
        return stream  # its places are those of chunks, too, and may look like a library's
    for probe in (dispatching, interference, reduction):
        if (found := probe(lab, setting, actual, expected)) is not None:
            return found
    if is_rounding:
        return lab.cause(
            "REDUCTION_ORDER",
            name,
            f"{each}; all differences are as small as another order of summation makes them",
            "compare=close(rtol=...) or ulp(n)",
        )
    found = stream or uneven(lab, setting, actual, expected)
    if found is not None:
        return found
    return lab.cause("UNEXPLAINED", "", f"{each}: the result depends on {name}", "")


def suspected(lab: Laboratory, setting: Setting, why: str) -> Cause:
    """Return the best suspicion if there was no time for more, by both results and the source."""
    name = setting.argument or setting.inside
    if _is_rounding(lab.difference.actual, lab.difference.expected):
        text = f"all differences are as small as another order of summation makes them; {why}"
        return lab.cause("REDUCTION_ORDER", name, text, "")
    if seeds := seeds_of(setting.body):
        text = f"the source of the test passes a seed ({seeds[0]}), and both results differ; {why}"
        return lab.cause("RANDOM_STREAM", name, text, "")
    return lab.cause("UNEXPLAINED", "", why, "")


def _seams(
    lab: Laboratory, setting: Setting, actual: Outcome, expected: Outcome
) -> tuple[str, bool] | None:
    """Say where results differ if that is at the edges of chunks, and whether it is sure.

    It is if other chunks move the differences to their own edges, and away from the first ones.
    """
    found = seams_of(actual.value, expected.value, setting.value)
    if found is None:
        return None
    for value, number in setting.others:
        other = replace(lab.experiment(f"with {setting.argument}={value!r}"), tasks=(number,))
        cut = result(lab, other)
        moved = seams_of(cut.value, expected.value, value, widest=0.5)
        if moved is None or found.fits(cut.value, expected.value):
            continue
        again = result(lab, replace(other, label=f"{other.label}, run 2"))
        more = f"; with {setting.argument}={value!r} they lie at the edges of those"
        return f"{found}{more}", lab.same(again, cut)
    return str(found), False


def _is_rounding(actual: Outcome, expected: Outcome) -> bool:
    if actual.kind != "value" or expected.kind != "value":
        return False
    found = compare_outcomes(actual, expected, exact())
    relative = [one.relative for one in found.mismatches]
    return bool(relative) and all(one is not None and one <= MOST_BY_ORDER for one in relative)
