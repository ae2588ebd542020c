"""The report as JSON, schema 1."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping

from .data import SCHEMA, Report, RunEntry
from .entries import CaseEntry, plain

__all__ = ["json_pieces", "to_json"]


#: In C, as long as nothing is indented; strict JSON.
_encode = json.JSONEncoder(allow_nan=False).encode


def to_json(report: Report) -> str:
    """Return the report as strict JSON, times in seconds."""
    return "".join(json_pieces(report))


def json_pieces(report: Report) -> Iterator[str]:
    """Yield the report as strict JSON, a line for each case.

    Piece by piece, and each case made into a dictionary in its turn: the text and the data of
    100,000 cases as a whole took more memory than these themselves.
    """
    yield f'{{\n "schema": {SCHEMA},\n "parwork": {_encode(report.version)},\n'
    yield f' "environment": {_encode(report.environment)},\n "runs": ['
    for number, run in enumerate(report.runs):
        yield ",\n  {" if number else "\n  {"
        yield from _members(_run(run))
        yield "\n  }"
    yield "\n ]\n}\n"


def _members(data: Mapping[str, object]) -> Iterator[str]:
    """Yield the members of an object, a line each, and a line for each item that is generated."""
    for number, (key, value) in enumerate(data.items()):
        yield f"{',' if number else ''}\n   {_encode(key)}: "
        if not isinstance(value, Iterator):
            yield _encode(value)
            continue
        yield "["
        for place, item in enumerate(value):
            yield f"{',' if place else ''}\n    {_encode(item)}"
        yield "\n   ]"


def _run(run: RunEntry) -> dict[str, object]:
    return {
        "id": run.id,
        "configuration": {
            "id": run.configuration_id,
            "backend": run.backend,
            "start_method": run.start_method,
            "workers": {
                "asked": run.asked,
                "resolved": run.granted,
                "source": run.budget.source if run.budget is not None else None,
            },
            "chunksize": run.chunksize,
            "threads": run.threads,
        },
        "policy": run.policy,
        "compared": run.compared,
        "verdict": run.verdict.value,
        "exercised": run.exercised,
        "cases": map(_case, run.cases),
        "mismatches": _mismatches(run),
        "mismatch_count": run.mismatch_count,
        "mismatch_classes": _classes(run),
        "notes": _notes(run),
        "workers_used": run.workers_used,
        "peak_overlap": run.peak_overlap,
        "together": run.together,
        "timing": plain(run.timing),
        "sent": list(run.sent),
        "withheld": list(run.withheld),
        "cause": None,
    }


def _case(case: CaseEntry) -> dict[str, object]:
    return {
        "id": case.id,
        "verdict": case.verdict.value,
        "why": case.why,
        "compared": case.compared,
        "seconds": {"serial": case.serial, "parallel": case.parallel},
        "worker": case.worker,
        "interval": case.interval,
        "lost": case.lost,
        "mismatch_count": case.mismatch_count,
        "mismatch_classes": dict(case.classes),
    }


def _mismatches(run: RunEntry) -> Iterator[dict[str, object]]:
    found = ((case.id, plain(mismatch)) for case in run.cases for mismatch in case.mismatches)
    return ({"case": id, "class": mismatch.pop("kind"), **mismatch} for id, mismatch in found)


def _notes(run: RunEntry) -> Iterator[dict[str, object]]:
    return ({"case": case.id, **plain(note)} for case in run.cases for note in case.notes)


def _classes(run: RunEntry) -> dict[str, int]:
    """Count the mismatches of each class, the most frequent first."""
    classes: Counter[str] = Counter()
    for case in run.cases:
        classes.update(case.classes)
    return dict(classes.most_common())
