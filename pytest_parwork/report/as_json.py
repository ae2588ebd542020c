"""The report as JSON, schema 1."""

from __future__ import annotations

import json
from collections import Counter

from .data import SCHEMA, Report, RunEntry
from .entries import CaseEntry, plain

__all__ = ["to_json"]


def to_json(report: Report) -> str:
    """Return the report as strict JSON, times in seconds."""
    data = {
        "schema": SCHEMA,
        "parwork": report.version,
        "environment": report.environment,
        "runs": [_run(run) for run in report.runs],
    }
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


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
        "cases": [_case(case) for case in run.cases],
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


def _mismatches(run: RunEntry) -> list[dict[str, object]]:
    found = [(case.id, plain(mismatch)) for case in run.cases for mismatch in case.mismatches]
    return [{"case": id, "class": mismatch.pop("kind"), **mismatch} for id, mismatch in found]


def _notes(run: RunEntry) -> list[dict[str, object]]:
    return [{"case": case.id, **plain(note)} for case in run.cases for note in case.notes]


def _classes(run: RunEntry) -> dict[str, int]:
    """Count the mismatches of each class, the most frequent first."""
    classes: Counter[str] = Counter()
    for case in run.cases:
        classes.update(case.classes)
    return dict(classes.most_common())
