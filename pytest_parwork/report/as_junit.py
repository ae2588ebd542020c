"""The report as flat properties of the test suite in a JUnit file.

A property is `parwork_<what>` alone for the session, and `parwork_<what> <where>` for a run
(`test_fib.py::test_fib on joblib-auto`) or a case (its node id).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..model.outcome import Verdict

if TYPE_CHECKING:
    from .data import Report, RunReport

#: The properties that stand at a case in the legacy family.
VERDICT, CAUSE = "parwork_verdict", "parwork_cause"


def suite_properties(report: Report, *, with_cases: bool) -> Iterator[tuple[str, str]]:
    """Yield the properties of a session and its runs, and of its cases where nothing else does."""
    yield "parwork_version", report.version
    if report.runs:
        yield VERDICT, Verdict.worst([run.verdict for run in report.runs]).value
    if report.plain:
        yield "parwork_plain", str(len(report.plain))
    for run in report.runs:
        where = f"{run.id} on {run.configuration_id}"
        for name, value in _of_run(run):
            yield f"{name} {where}", value
        if with_cases:
            yield from _of_cases(run)


def _of_run(run: RunReport) -> Iterator[tuple[str, str]]:
    yield VERDICT, run.verdict.value
    yield "parwork_cases", str(len(run.cases))
    if run.exercised is not None:
        yield "parwork_exercised", str(run.exercised).lower()
    if run.granted:
        yield "parwork_workers", str(run.granted)
    seconds = {
        "parwork_serial_seconds": run.timing.serial,
        "parwork_parallel_seconds": run.timing.parallel,
        "parwork_startup_seconds": run.timing.startup,
        "parwork_speedup": run.timing.speedup if run.timing.reliable else None,
    }
    yield from ((name, f"{value:.6g}") for name, value in seconds.items() if value is not None)
    for cause in run.causes:
        yield CAUSE, str(cause)


def _of_cases(run: RunReport) -> Iterator[tuple[str, str]]:
    for case in run.cases:
        yield f"{VERDICT} {case.id}", case.verdict.value
    for cause in run.causes:
        for id in cause.cases:
            yield f"{CAUSE} {id}", str(cause)
