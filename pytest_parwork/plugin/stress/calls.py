"""The perturbed runs of the calls that a test has made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest

from ...model.outcome import Outcome
from ...report.data import RunReport, summarise
from ...report.stress import Stress
from ...verify.legs import Judged, judge
from ...verify.stress.trial import Subject
from ..calls.kept import KeptCalls
from ..config.registry import backend_named, guard
from .asking import Asked
from .levels import base_of, level
from .timing import perturbed


def perturb_calls(
    item: pytest.Item, calls: Sequence[KeptCalls], asked: Asked
) -> Sequence[tuple[RunReport, Stress]] | str:
    """Run all rows on each run of calls; return what they gave, or why nothing could be run."""
    found: list[tuple[RunReport, Stress]] = []
    why = "no call was run in parallel and was equal to serial"
    with guard(item.config).marking():
        for one in calls:
            try:
                subject = _subject(item.config, one)
                if not subject.numbers:
                    why = next(iter(one.rerun.unavailable.values()), why)
                    continue
                rows = [(subject.run, level(subject.base, asked))]
                wall = one.run.wall + one.run.startup
                found.append((summarise(one.entry), perturbed(item, asked, rows, wall)))
            finally:
                one.close()
    return found or why


def _subject(config: pytest.Config, calls: KeptCalls) -> Subject:
    ids = {number: case.id for number, case in enumerate(calls.entry.cases)}
    usable = [
        number
        for number, id in ids.items()
        if calls.serial.has(id) and number not in calls.rerun.unavailable
    ]
    name = calls.plan.configuration.backend
    seconds = [s for case in calls.entry.cases for s in (case.serial, case.parallel) if s]
    return Subject(
        rerun=calls.rerun,
        base=base_of(
            backend_named(config, name), name, workers=calls.run.granted, cases=len(usable)
        ),
        numbers=usable,
        ids=ids,
        slowest=max(seconds, default=0.0),
        find=partial(backend_named, config),
        judge=partial(_judge, calls),
    )


def _judge(calls: KeptCalls, number: int, actual: Outcome, expected: Outcome | None) -> Judged:
    terms = calls.terms(number)
    known = calls.serial.expected(terms.id) if expected is None else expected
    return judge(replace(terms, is_recorded=False), actual, lambda: (known, None))
