"""The perturbed runs of one group of cases, after its last case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

import pytest

from ...backends.protocol import place_of
from ...model.outcome import Outcome
from ...report.stress import Stress, StressRun
from ...verify.legs import Judged, judge
from ...verify.stress.trial import Subject
from ..cases.groups import Case, Group, ParallelRun
from ..cases.kept import Kept
from ..config.registry import backend_named, guard, own_comparison
from ..running.phases import ELSEWHERE, without_folders
from ..sending.wide import is_current
from ..session.locks import holding
from .asking import Asked
from .levels import base_of, level
from .timing import perturbed, stress_of


def perturb(item: pytest.Item, group: Group, asked: Asked) -> Stress | str:
    """Run all rows on the runs of a group; return what they gave, or why nothing could be run."""
    kept = group.kept
    assert kept is not None
    try:
        names = {name for case in group.cases for name in case.plan.exclusive}
        with guard(item.config).marking(), holding(item.config, names):
            return _perturb(item, group, kept, asked)
    finally:
        kept.close()
        group.kept = None


def _perturb(
    item: pytest.Item, group: Group, kept: Kept[ParallelRun], asked: Asked
) -> Stress | str:
    name = group.plan.configuration.backend
    place = place_of(backend_named(item.config, name))
    if place == "caller":
        return f"{name} runs its cases one after the other in pytest's process"
    found: list[Subject] = []
    runs: list[StressRun] = []
    for run in kept.runs:
        subject = _subject(item.config, group, kept, run)
        if isinstance(subject, str):
            why = subject
        else:
            found.append(subject)
            runs += map(subject.compared, kept.early.get(id(run.outcomes), ()))
    if not found:
        return why if kept.runs else "no case was run in parallel and was equal to serial"
    if place == "fork":
        return stress_of(item, asked, runs)
    wall = sum(run.facts.wall + run.facts.startup for run in kept.runs)
    return perturbed(item, asked, [(one.run, level(one.base, asked)) for one in found], wall)


def _subject(
    config: pytest.Config, group: Group, kept: Kept[ParallelRun], run: ParallelRun
) -> Subject | str:
    """Return what is perturbed, or why this run cannot be."""
    rerun, name = run.outcomes.rerun, group.plan.configuration.backend
    if rerun is None:
        return "its tasks were not kept"
    unavailable = {} if id(run.outcomes) in kept.early else rerun.unavailable
    if not kept.early and not all(is_current(case) for case in run.cases if case.sent.run is run):
        return "the fixtures wider than function scope were torn down before"
    cases = [case for case in run.cases if case.sent.run is run and kept.has(case.id)]
    numbers = [case.sent.number for case in cases if case.sent.number not in unavailable]
    if not numbers:
        why = next(iter(unavailable.values()), "")
        return why or "no case is equal to serial"
    by_number = {case.sent.number: case for case in cases}
    seconds = [
        seconds
        for case in cases
        if case.judged.entry is not None
        for seconds in (case.judged.entry.serial, case.judged.entry.parallel)
        if seconds is not None
    ]
    return Subject(
        rerun=rerun,
        base=base_of(
            backend_named(config, name),
            name,
            workers=run.facts.granted,
            cases=len(numbers),
            is_exclusive=any(case.plan.exclusive for case in cases),
        ),
        numbers=numbers,
        ids={number: case.id for number, case in by_number.items()},
        slowest=max(seconds, default=0.0),
        find=partial(backend_named, config),
        judge=_Judging(kept, by_number),
    )


class _Judging:
    """Judges the tasks of perturbed runs by the terms of their cases."""

    def __init__(self, kept: Kept[ParallelRun], cases: Mapping[int, Case]) -> None:
        self._kept = kept
        self._cases = cases

    def __call__(self, number: int, actual: Outcome, expected: Outcome | None) -> Judged:
        case = self._cases[number]
        terms = case.terms(own_comparison(case.item, case.plan.policy))
        known = self._kept.expected(case.id) if expected is None else expected
        return judge(
            terms,
            actual,
            lambda: (known, None),
            masked=lambda one, other: (_without_folder(case, one), _without_folder(case, other)),
        )


def _without_folder(case: Case, outcome: Outcome) -> Outcome:
    folder = case.sent.folder
    return without_folders(outcome, rf"{re.escape(folder)}\d*", ELSEWHERE) if folder else outcome
