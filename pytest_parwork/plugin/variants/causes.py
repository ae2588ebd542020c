"""The diagnosis of the first variant of a test that differs from its reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from ...backends.protocol import Backend
from ...machine.clock import now
from ...model.causes import Cause
from ...model.outcome import Outcome
from ...model.work import Configuration, Task, Workload
from ...runner import RunRequest, stored
from ...transport.modules import project_modules
from ...verify.diagnosis.diagnosis import budget
from ...verify.diagnosis.difference import Difference
from ...verify.diagnosis.laboratory import Laboratory
from ...verify.diagnosis.variants import diagnose_variant
from ...verify.diagnosis.varied import VARIANT, Setting, Varied
from ..config.registry import backend_named, changes, guard, own_comparison, sendable
from ..sending.addresses import body_of
from ..session.capturing import capture_of
from ..session.rewriting import rewritten
from .cases import VariedCase

#: The backend that stands for the process of pytest, where variants run.
HERE = "serial"


def causes_of_variant(
    case: VariedCase,
    kwargs: Mapping[str, object],
    actual: Outcome,
    expected: Outcome,
    seconds: float,
) -> tuple[Cause, ...]:
    """Diagnose a variant that differs; `kwargs` are the arguments of its body.

    `seconds` are those of both calls.
    """
    item, variant = case.item, case.variant
    find: Callable[[str], Backend] = partial(backend_named, item.config)
    argument, value = _single(variant.values)
    tasks = [task_of(case, kwargs, is_reference=True), task_of(case, kwargs)]
    others: list[tuple[object, int]] = []
    for other in _others(value) if argument else ():
        tasks.append(task_of(case, {**kwargs, argument: other}))
        others.append((other, len(tasks) - 1))
    if variant.inside:
        tasks.append(task_of(case, kwargs, workers=1))
        others.append((1, len(tasks) - 1))
    rerun = stored(request_of(case, tuple(tasks)), find(HERE))
    try:
        lab = Laboratory(
            difference=Difference(
                number=VARIANT,
                id=case.id,
                actual=actual,
                expected=expected,
                policy=case.plan.policy,
                own=own_comparison(item, case.plan.policy),
                timeout=case.plan.timeout,
                start_method="",
                earlier=(),
                earlier_in_worker=(),
                seconds=seconds,
            ),
            rerun=rerun,
            names=[task.id for task in tasks],
            function=item.function,
            workers=variant.workers,
            find=find,
            deadline=now() + budget(seconds),
        )
        setting = Setting(
            argument=argument or ", ".join(variant.values),
            inside=variant.inside,
            label=case.side.name,
            reference=case.siblings.side.name,
            value=value,
            others=tuple(others),
            body=item.function,
        )
        return diagnose_variant(lab, setting)
    finally:
        rerun.close()


def _single(values: Mapping[str, object]) -> tuple[str, object]:
    """Return the argument that is varied with its value, nothing where there are several."""
    return next(iter(values.items())) if len(values) == 1 else ("", None)


def _others(value: object) -> list[object]:
    """Return further values that cut a result at other places: the sizes or numbers of chunks."""
    if isinstance(value, tuple | list) and value and all(type(one) is int for one in value):
        return [type(value)(max(1, one * n // 4) for one in value) for n in (3, 5)]
    if type(value) is int and value > 1:
        return [value * 3 // 4, value * 5 // 4] if value >= 8 else [value + 1]
    return []


def task_of(
    case: VariedCase,
    kwargs: Mapping[str, object],
    *,
    is_reference: bool = False,
    workers: int | None = None,
) -> Task:
    """Return the body of a variant, or of its reference, as a task."""
    variant, siblings = case.variant, case.siblings
    body = Varied(
        address=body_of(case.item),
        inside=variant.inside,
        workers=workers or variant.workers,
        is_serial=is_reference,
    )
    values = siblings.values if is_reference and not variant.inside else {}
    return Task(
        id=siblings.side.name if is_reference else case.id,
        function=body,
        kwargs={**kwargs, **values},
        timeout=case.plan.timeout,
    )


def with_workers(case: VariedCase, kwargs: Mapping[str, object], workers: int) -> Task | None:
    """Return the task of a variant on another number of workers, None where that is not known."""
    if case.variant.inside:
        return task_of(case, kwargs, workers=workers)
    argument, value = _single(case.variant.values)
    is_number = type(value) is int and value == case.variant.variation.workers
    return task_of(case, {**kwargs, argument: workers}) if is_number else None


def request_of(case: VariedCase, tasks: tuple[Task, ...]) -> RunRequest:
    """Return the request for runs of these tasks."""
    item = case.item
    own = item.module.__name__
    modules = project_modules(item.config.rootpath, tests=(own,))
    return RunRequest(
        workload=Workload(name=case.group.id, tasks=tasks),
        configuration=Configuration(backend=HERE, workers=1),
        modules=modules,
        rewritten=rewritten(item, modules, own),
        sendable=sendable(item.config),
        guard=guard(item.config),
        capture=capture_of(item.config, from_threads=False),
        surroundings=changes(item.config).surroundings(),
    )
