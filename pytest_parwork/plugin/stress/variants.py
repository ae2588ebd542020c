"""The perturbed runs of a variant, after its last case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import pytest

from ...model.outcome import Outcome
from ...model.work import Task
from ...report.stress import Stress
from ...runner import stored
from ...verify.diagnosis.reseeding import seeds_of
from ...verify.legs import Judged, judge
from ...verify.stress.varied import VariedBase, VariedSubject, full, quick
from ..config.registry import backend_named, guard, own_comparison
from ..variants.cases import VariedCase, VariedGroup
from ..variants.causes import HERE, request_of, task_of, with_workers
from ..variants.judging import without_remote_tracebacks
from .asking import Asked
from .timing import perturbed

#: Most cases of a variant that are perturbed, the first ones.
MOST_CASES = 50


def perturb_variant(item: pytest.Item, group: VariedGroup, asked: Asked) -> Stress | str:
    """Run all rows on the cases of a variant that are equal; return what they gave, or why not."""
    kept, group.kept = (group.kept or [])[:MOST_CASES], None
    if not kept:
        return "no case is equal to its reference"
    subject = _subject(item.config, group, kept)
    try:
        if not subject.numbers:
            return next(iter(subject.rerun.unavailable.values()))
        variation = group.variant.variation
        base = VariedBase(
            jobs=(variation.workers or 0) if variation.counts_workers else 0,
            seeds=len(seeds_of(group.cases[0].item.function)),
        )
        rows = quick(base, asked.seed) if asked.text == "quick" else full(base, asked.seed)
        wall = sum((entry.serial or 0.0) + (entry.parallel or 0.0) for entry in group.judged())
        with guard(item.config).marking():
            found = perturbed(item, asked, [(subject.run, rows)], wall)
            return replace(found, reference=subject.reference)
    finally:
        subject.rerun.close()


def _subject(
    config: pytest.Config,
    group: VariedGroup,
    kept: Sequence[tuple[VariedCase, Mapping[str, object]]],
) -> VariedSubject:
    tasks: list[Task] = []
    numbers: dict[int, tuple[int, int]] = {}
    more: dict[tuple[int, int], int] = {}
    jobs = group.variant.variation.workers or 0
    for at, (case, kwargs) in enumerate(kept):
        numbers[at] = len(tasks), len(tasks) + 1
        tasks += [task_of(case, kwargs, is_reference=True), task_of(case, kwargs)]
        for other in (jobs + 1, 2 * jobs) if jobs > 1 else ():
            if (task := with_workers(case, kwargs, other)) is not None:
                more[at, other] = len(tasks)
                tasks.append(task)
    rerun = stored(request_of(kept[0][0], tuple(tasks)), backend_named(config, HERE))
    cases = {at: case for at, (case, _) in enumerate(kept)}
    return VariedSubject(
        rerun=rerun,
        reference=kept[0][0].siblings.side.name,
        numbers={
            at: pair for at, pair in numbers.items() if not rerun.unavailable.keys() & set(pair)
        },
        more={key: number for key, number in more.items() if number not in rerun.unavailable},
        ids={at: case.id for at, case in cases.items()},
        kinds={at: case.entry.outcome for at, case in cases.items() if case.entry is not None},
        slowest=max((entry.parallel or 0.0 for entry in group.judged()), default=0.0),
        find=partial(backend_named, config),
        judge=partial(_judge, cases),
        is_seeded=config.getoption("randomly_reset_seed", default=False),
    )


def _judge(
    cases: Mapping[int, VariedCase], number: int, actual: Outcome, expected: Outcome
) -> Judged:
    """Compare a variant with its reference by the terms of its case."""
    case = cases[number]
    terms = case.terms(own_comparison(case.item, case.plan.policy))
    return judge(
        replace(terms, is_recorded=False),
        actual,
        lambda: (expected, None),
        masked=lambda *both: tuple(map(without_remote_tracebacks, both)),
    )
