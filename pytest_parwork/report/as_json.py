"""The report as JSON, schema 1."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from .associations import associations
from .data import SCHEMA, Report, RunReport
from .entries import CaseEntry
from .repeats import Repeat
from .scaling import scalings
from .serialising import serialise

#: Strict JSON; without an indent the encoder runs in C. Only values unknown to JSON are serialised.
_encode = json.JSONEncoder(allow_nan=False, default=serialise).encode


def json_pieces(report: Report) -> Iterator[str]:
    """Yield the report as strict JSON, times in seconds, a line for each case.

    It is made piece by piece, one case after the other: the text and the dictionaries of 100,000
    cases took more memory than the cases themselves.
    """
    yield f'{{\n "schema": {SCHEMA},\n "parwork": {_encode(report.version)},\n'
    yield f' "environment": {_encode(report.environment)},\n "runs": ['
    for number, run in enumerate(report.runs):
        yield ",\n  {" if number else "\n  {"
        yield from _members(_run(run))
        yield "\n  }"
    yield "\n ],\n "
    yield f'"plain": {_encode(report.plain)},\n '
    yield f'"scaling": {_encode(tuple(scalings(report.runs)))}\n}}\n'


def _members(data: Mapping[str, object]) -> Iterator[str]:
    """Yield the members of an object, one per line; an iterator gives one line per item."""
    for number, (key, value) in enumerate(data.items()):
        yield f"{',' if number else ''}\n   {_encode(key)}: "
        if not isinstance(value, Iterator):
            yield _encode(value)
            continue
        yield "["
        for place, item in enumerate(value):
            yield f"{',' if place else ''}\n    {_encode(item)}"
        yield "\n   ]"


def _run(run: RunReport) -> dict[str, object]:
    return {
        "id": run.id,
        "scope": run.scope,
        "configuration": {
            "id": run.configuration_id,
            "backend": run.backend or None,
            "start_method": run.start_method,
            "workers": {
                "asked": run.asked if run.variation is None else run.variation.workers,
                "resolved": run.granted,
                "source": run.budget.source if run.budget is not None else None,
            },
            "chunksize": run.chunksize,
            "threads": run.threads,
            "variation": run.variation,
        },
        "policy": run.policy,
        "compared": run.compared,
        "verdict": run.verdict,
        "exercised": run.exercised,
        "baseline": run.is_baseline,
        "expected": run.expected,
        "xdist": run.xdist,
        "parts": run.facts,
        "origin": run.origin,
        "cases": (_case(case, run) for case in run.cases),
        "mismatches": _mismatches(run),
        "mismatch_count": run.mismatch_count,
        "mismatch_classes": run.mismatch_classes,
        "notes": ({"case": case.id, **serialise(n)} for case in run.cases for n in case.notes),
        "workers_used": run.workers_used,
        "peak_overlap": run.peak_overlap,
        "together": run.together,
        "timing": run.timing,
        "power": run.power,
        "selftest": run.selftest,
        "stress": run.stress,
        "too_slow": run.too_slow or None,
        "varied": run.varied,
        "sent": run.sent,
        "withheld": run.withheld,
        "associations": list(associations(run.cases)),
        "causes": run.causes,
        "cause": run.cause,
    }


def _case(case: CaseEntry, run: RunReport) -> dict[str, object]:
    return {
        "id": case.id,
        "index": case.index,
        "part": case.run,
        "verdict": case.verdict,
        "why": case.why,
        "outcome": case.outcome,
        "compared": case.compared,
        "seconds": {"serial": case.serial, "parallel": case.parallel},
        "cpu": {"serial": case.serial_cpu, "parallel": case.parallel_cpu},
        "worker": case.worker,
        "process": case.process,
        "interval": run.since_origin(case.interval),
        "serial_interval": run.since_origin(case.serial_interval),
        "lost": case.lost,
        "not_sent": case.not_sent,
        "mismatch_count": case.mismatch_count,
        "mismatch_classes": case.classes,
        "result": case.result,
        "legs": case.legs,
        "repeats": tuple(_repeat(task, run) for task in case.repeats),
        "planted": case.planted,
    }


def _repeat(task: Repeat, run: RunReport) -> dict[str, object]:
    return {
        "verdict": task.verdict,
        "seconds": task.parallel,
        "cpu": task.parallel_cpu,
        "worker": task.worker,
        "process": task.process,
        "interval": run.since_origin(task.interval),
    }


def _mismatches(run: RunReport) -> Iterator[dict[str, object]]:
    found = ((case.id, serialise(mismatch)) for case in run.cases for mismatch in case.mismatches)
    return ({"case": id, "class": mismatch.pop("kind"), **mismatch} for id, mismatch in found)
