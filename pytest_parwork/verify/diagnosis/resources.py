"""Probe for what processes share outside of them: files, folders, ports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...model.causes import Cause
from .bench import ALONE, Experiment, Side
from .laboratory import SEEDS, Laboratory
from .watching import connected, watching

#: How often the case runs alongside others in each process: at first, and at most.
RACES, MOST_RACES = 4, 8

#: Most others that run alongside it.
MOST_OTHERS = 3


#: Most paths that a text names.
MOST_PATHS = 3


def watch(lab: Laboratory) -> Experiment:
    """Return the experiment that watches what the case writes."""
    return lab.experiment("watch what it writes", treatment=watching)


def written(lab: Laboratory, *, with_others: bool = False) -> str:
    """Name the files, folders and ports that the case writes to; empty if there are none.

    They are those that it writes to in both processes, or, `with_others`, in any of them: a name
    may have the time in it.
    """
    found = [set(one.value) for one in lab.outcomes(watch(lab)) if isinstance(one.value, list)]
    join = set.union if with_others else set.intersection
    return ", ".join(sorted(map(str, join(*found)))[:MOST_PATHS]) if found else ""


def _shared(lab: Laboratory) -> str:
    """Name the connections that forks share with one another, because a module has made them."""
    found = [
        one.value for one in lab.outcomes(lab.experiment("list connections", treatment=connected))
    ]
    names = [name for one in found if isinstance(one, list) for name in one[:MOST_PATHS]]
    return names[0] if names else ""


def shared_resource(lab: Laboratory) -> Cause | None:
    """Find out whether the result is wrong only while other cases run in other processes."""
    if not lab.is_stable() or not lab.are_serial(lab.alone()):
        return None
    paths = written(lab)
    if not paths and lab.difference.start_method == "fork":
        paths = _shared(lab)
    if not paths:
        return None
    others = lab.others(MOST_OTHERS)
    if not others:
        return None
    plain = lab.series("alongside other cases", count=MOST_RACES)
    raced = [replace(one, alongside=tuple(others)) for one in plain]
    busy = lab.series("alongside busy processes", count=MOST_RACES, busy=len(others))
    if lab.each(lab.are_serial, raced[:RACES]) and lab.each(lab.are_serial, raced):
        return None
    # As often as it was raced: what is wrong by chance would be wrong here as often.
    count = RACES if _wrong(lab, raced[:RACES]) > 1 else MOST_RACES
    if not lab.each(lab.are_serial, busy[:count]):
        return None  # it depends on how busy the machine is
    wrong, runs = _wrong(lab, raced[:count]), count * len(SEEDS)
    if not wrong:
        return None
    lab.sides = Side("alone", lab.experiment(ALONE)), Side("alongside others", raced[0])
    return lab.cause(
        "SHARED_RESOURCE_RACE",
        "",
        f"alone in a process it gives the serial result, and alongside busy processes, too; while "
        f"other cases run in other processes, it is wrong in {wrong} of {runs} runs"
        f"; it writes {paths}",
        "give each case a file, folder, port or connection of its own, as by the fixture tmp_path",
        confirmed=wrong > 1,
    )


def _wrong(lab: Laboratory, raced: Sequence[Experiment]) -> int:
    lab.measure(raced)
    found = [each for one in raced for each in lab.outcomes(one)]
    expected = lab.difference.expected
    return sum(lab.is_comparable(one) and not lab.same(one, expected) for one in found)
