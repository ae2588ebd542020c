"""The report as a trace of events, which Perfetto and chrome://tracing show as a timeline.

The format is the Trace Event Format (JSON): a process for each run, a thread for each worker, and
thread 0 for the serial run. Its times are microseconds since the first event.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from ..model.outcome import Verdict
from .data import Report, RunReport

#: The thread of the serial run.
SERIAL = 0


def trace_pieces(report: Report) -> Iterator[str]:
    """Yield the report as a trace, an event a line."""
    origin = min((start for run in report.runs for start in _starts(run)), default=0.0)
    yield '{"displayTimeUnit": "ms", "traceEvents": ['
    separator = "\n"
    for number, run in enumerate(report.runs, 1):
        for event in _events(run, number, origin):
            yield f"{separator}{json.dumps(event, allow_nan=False)}"
            separator = ",\n"
    yield "\n]}\n"


def _starts(run: RunReport) -> Iterator[float]:
    for case in run.cases:
        yield from (task.interval[1] for task in case.tasks if task.interval is not None)
        if case.serial_interval is not None:
            yield case.serial_interval[0]


def _events(run: RunReport, process: int, origin: float) -> Iterator[Mapping[str, object]]:
    yield _name("process_name", f"{run.id} on {run.label}", process)
    threads: dict[tuple[str, int], int] = {}
    rows: dict[int, list[tuple[float, float, str, Verdict]]] = {}
    for case in run.cases:
        if case.serial_interval is not None:
            rows.setdefault(SERIAL, []).append((*case.serial_interval, case.id, case.verdict))
        for task in case.tasks:
            if task.interval is None or task.worker is None:
                continue
            # xdist's processes have workers of the same numbers at the same time.
            key = (case.run if run.xdist else "", task.worker)
            thread = threads.setdefault(key, len(threads) + 1)
            rows.setdefault(thread, []).append((*task.interval[1:], case.id, task.verdict))
    if SERIAL in rows:
        yield _name("thread_name", "serial", process, SERIAL)
    for key, thread in threads.items():
        yield _name("thread_name", f"worker {key[-1]}", process, thread)
    for thread, row in sorted(rows.items()):
        last = 0
        for start, end, id, verdict in sorted(row, key=lambda one: one[:2]):
            # Rounded, an event may begin before the one before it has ended.
            begin = max(last, round((start - origin) * 1e6))
            last = max(begin, round((end - origin) * 1e6))
            yield {
                "name": id.rpartition("::")[2],
                "cat": verdict.value,
                "ph": "X",
                "pid": process,
                "tid": thread,
                "ts": begin,
                "dur": last - begin,
                "args": {"id": id, "verdict": verdict.value},
            }


def _name(kind: str, name: str, process: int, thread: int = SERIAL) -> Mapping[str, object]:
    return {"name": kind, "ph": "M", "pid": process, "tid": thread, "args": {"name": name}}
