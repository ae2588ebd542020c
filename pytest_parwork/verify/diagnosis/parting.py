"""Where two executions of a case part: the first line, and calls of the system that differ."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from ...machine.clock import now
from ...model.causes import Cause
from .bench import Side, outcome_of
from .laboratory import Laboratory
from .processes import ExhaustedError
from .recording import Question, Record, Recorded, Step

#: Seconds that have to be left for two more runs.
LEAST = 0.5

#: Most calls that are named.
MOST_CALLS = 3


def with_parting(lab: Laboratory, cause: Cause) -> Cause:
    """Return a cause with where the two executions part that showed it, as far as there is time."""
    if lab.sides is None or lab.deadline - now() < LEAST:
        return cause
    with suppress(ExhaustedError):
        records = [_recorded(lab, side) for side in lab.sides]
        one, other = records
        if one is None or other is None:
            return cause
        outcomes = [outcome_of(record.kind, record.result) for record in (one, other)]
        if lab.same(*outcomes):
            return cause  # being recorded, they do not differ
        names = lab.sides[0].name, lab.sides[1].name
        calls: dict[tuple[str, str], str] = {}
        for call, text in _calls(one, other, names):
            calls.setdefault(call, text)
        place, line = _line(one, other, names)
        if place in [where for _, where in calls]:
            line = ""  # the call says it
        return replace(cause, line=line, calls=tuple(calls.values())[:MOST_CALLS])
    return cause


def _recorded(lab: Laboratory, side: Side) -> Record | None:
    experiment = side.experiment
    label = f"{experiment.label}, recorded"
    if lab.sides is not None and side is lab.sides[1]:
        label += " again"  # both may be the same experiment, if its results change by chance
    how = Recorded(experiment.treatment)
    lab.measure([one := replace(experiment, label=label, treatment=how)], [side.seed])
    (outcome,) = lab.outcomes(one, [side.seed])
    return outcome.value if isinstance(outcome.value, Record) else None


def _line(one: Record, other: Record, names: tuple[str, str]) -> tuple[str, str]:
    """Return the line at which both executions part, and how; empty if that was not seen."""
    before: Step | None = None
    for first, second in zip(one.steps, other.steps, strict=False):
        if first == second:
            before = first
            continue
        if first[:3] != second[:3]:
            return _at(first), _parted(before, first, second, names)
        place = _place(first)
        values, others = dict(first.values), dict(second.values)
        for name in {**values, **others}:
            if values.get(name) != others.get(name):
                both = _both(values.get(name, "unset"), others.get(name, "unset"), names)
                return _at(before or first), f"before {place}, {name} is {both}"
        both = _both(str(first.returned), str(second.returned), names)
        return _at(first), f"{place} returns {both}"
    return "", ""


def _parted(before: Step | None, first: Step, second: Step, names: tuple[str, str]) -> str:
    came = f"after {_place(before)}, " if before is not None else ""
    return f"{came}next is {_both(_place(first), _place(second), names)}"


def _calls(
    one: Record, other: Record, names: tuple[str, str]
) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the calls of the system with different answers, until the calls themselves differ.

    Call and line come with the text.
    """
    for first, second in zip(one.questions, other.questions, strict=False):
        if first[:3] != second[:3]:
            return
        if first.answer != second.answer:
            both = _both(first.answer, second.answer, names)
            yield (first.call, _at(first)), f"{first.call} at {_at(first)} gives {both}"


def _both(one: str, other: str, names: tuple[str, str]) -> str:
    return f"{one} {names[0]}, {other} {names[1]}"


def _place(step: Step) -> str:
    return f"{_at(step)} in {step.function}"


def _at(where: Step | Question) -> str:
    return f"{os.path.basename(where.file)}:{where.line}"
