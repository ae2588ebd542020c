"""Probe for what processes share outside of them: files, folders, ports."""

from __future__ import annotations

from dataclasses import replace

from ...model.causes import Cause
from .bench import Experiment
from .laboratory import SEEDS, Laboratory
from .treatments import watching

#: How often the case runs alongside others in each process.
RACES = 8

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


def shared_resource(lab: Laboratory) -> Cause | None:
    """Find out whether the result is wrong only while other cases run in other processes."""
    if not lab.is_stable() or not lab.are_serial(lab.alone()):
        return None
    paths = written(lab)
    if not paths:
        return None
    usable = [n for n in range(len(lab.names)) if n not in lab.rerun.unavailable]
    others = [n for n in usable if n != lab.difference.number][:MOST_OTHERS]
    if not others:
        return None
    plain = lab.series("alongside other cases", count=RACES)
    raced = [replace(one, alongside=tuple(others)) for one in plain]
    busy = lab.series("alongside busy processes", count=RACES, busy=len(others))
    first = SEEDS[:1]
    lab.measure([*raced, *busy], first)
    if lab.are_serial([lab.outcomes(one, first)[0] for one in raced]):
        return None
    lab.measure([*raced, *busy])
    if not all(lab.are_serial(lab.outcomes(one)) for one in busy):
        return None  # it depends on how busy the machine is
    outcomes = [each for one in raced for each in lab.outcomes(one)]
    wrong = sum(
        lab.is_comparable(one) and not lab.same(one, lab.difference.expected) for one in outcomes
    )
    if not wrong:
        return None
    return lab.cause(
        "SHARED_RESOURCE_RACE",
        "",
        f"alone in a process it gives the serial result, and alongside busy processes, too; while "
        f"other cases run in other processes, it is wrong in {wrong} of {len(outcomes)} runs"
        f"; it writes {paths}",
        "give each case a file, folder or port of its own, as by the fixture tmp_path",
        confirmed=wrong > 1,
    )
