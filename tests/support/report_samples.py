"""Reports made by hand, for the tests of their data and renderings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pytest_parwork.model.comparison import Mismatch
from pytest_parwork.model.outcome import Verdict
from pytest_parwork.report.data import Report, RunEntry, RunReport, summarise
from pytest_parwork.report.entries import CaseEntry, RunFacts
from pytest_parwork.report.terminal import Section, render

MEAN = Mismatch(path="['mean']", kind="value", actual="3.13", expected="3.14")
UNSENT: dict[str, Any] = {
    "verdict": Verdict.NOT_SENT,
    "outcome": "not_sent",
    "serial": None,
    "parallel": None,
    "interval": None,
    "not_sent": {
        "reason": "argument",
        "detail": "argument 'm' cannot be sent to a worker: ['lock'] is a _thread.lock",
        "name": "m",
        "path": "['lock']",
    },
}

CRASH: dict[str, Any] = {
    "verdict": Verdict.LOST,
    "serial": None,
    "parallel": None,
    "interval": None,
    "lost": {"reason": "crash", "detail": "its worker died of SIGSEGV (signal 11), twice"},
}


def cases(
    number: int,
    *,
    workload: str = "test_fib.py::test_fib",
    serial: float | None = 1.0,
    parallel: float = 1.0,
    workers: int = 2,
    run: str = "a",
    **fields: Any,
) -> list[CaseEntry]:
    """Return so many equal cases, dealt out to the workers in turn, without a pause."""
    return [
        CaseEntry(
            **{
                "id": f"{workload}[{index}]",
                "index": index,
                "run": run,
                "verdict": Verdict.EQUAL,
                "serial": serial,
                "parallel": parallel,
                "worker": index % workers + 1,
                "interval": interval(index // workers * parallel, parallel),
                **fields,
            }
        )
        for index in range(number)
    ]


def interval(start: float, seconds: float) -> tuple[float, float, float]:
    return (start, start, start + seconds)


def run(members: Sequence[CaseEntry], **fields: Any) -> RunReport:
    """Return what follows from a complete run of these cases on `joblib-auto`: see `entry`."""
    return summarise(entry(members, **fields))


def entry(members: Sequence[CaseEntry], **fields: Any) -> RunEntry:
    """Return a complete run of these cases on `joblib-auto`, which got two workers."""
    facts: dict[str, Any] = {
        "run": "a",
        "wall": 1.0,
        "startup": 0.3,
        "granted": 2,
        "start_method": "loky",
        "budget": None,
        "threads": None,
        "sent": (),
        "withheld": (),
        "waiting": None,
    }
    facts |= {name: fields.pop(name) for name in list(fields) if name in facts}
    standard: dict[str, Any] = {
        "id": "test_fib.py::test_fib",
        "configuration_id": "joblib-auto",
        "backend": "joblib",
        "asked": "auto",
        "policy": "exact()",
        "facts": (RunFacts(**facts),),
        "cases": tuple(members),
        "expected": len(members),
    }
    return RunEntry(**{**standard, **fields})


def report(*runs: RunReport) -> Report:
    return Report(version="0.1.0", runs=runs, environment={"python": "3.11.9"})


def first(number: int, members: list[CaseEntry], **fields: Any) -> list[CaseEntry]:
    """Change the first cases."""
    return [replace(case, **fields) for case in members[:number]] + members[number:]


def fib(*, configuration_id: str = "joblib-auto", **fields: Any) -> RunReport:
    """Return the run of the first picture: 35 cases in two workers."""
    members = cases(35, serial=0.115, parallel=0.12, **fields)
    backend = configuration_id.partition("-")[0]
    return run(members, configuration_id=configuration_id, backend=backend, wall=2.31, startup=0.31)


def section(*runs: RunReport, verbosity: int = 0, width: int = 80) -> Section:
    made = render(report(*runs), width=width, verbosity=verbosity)
    assert made is not None
    return made


def shown(*runs: RunReport, verbosity: int = 0) -> str:
    """Return the section as pytest prints it, the title as a separator of 80 columns."""
    made = section(*runs, verbosity=verbosity)
    lines = [f" {made.title.text} ".center(80, "="), *(line.text for line in made.lines)]
    assert max(map(len, lines)) <= 80
    return "\n".join(lines) + "\n"
