"""The report as Markdown and as a trace of events."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from support.report_samples import CRASH, MEAN, UNSENT, cases, fib, first, interval, report, run

from pytest_parwork.model.causes import Cause
from pytest_parwork.model.outcome import Verdict
from pytest_parwork.report.as_markdown import BARS, CASES, RUNS, markdown_pieces
from pytest_parwork.report.as_trace import trace_pieces
from pytest_parwork.report.data import Report, RunReport
from pytest_parwork.report.plain import PlainEntry

DIFFERENT: dict[str, Any] = {
    "verdict": Verdict.DIFFERENT,
    "mismatches": (MEAN,),
    "mismatch_count": 3,
    "classes": {"value": 3},
}


def markdown(*runs: RunReport) -> str:
    return "".join(markdown_pieces(report(*runs)))


def test_a_report_reads_problems_first() -> None:
    members = first(1, cases(4, serial=1.0), **DIFFERENT)
    lost = CRASH["lost"] | {"detail": "its worker died"}
    members[3] = replace(members[3], **CRASH | {"lost": lost})
    rng = Cause(name="GLOBAL_RNG", detail="numpy.random", evidence="same state", remedy="seed = 1")
    made = run(members, id="test_pi.py::test_pi", causes=(rng,), wall=2.0)
    assert (
        markdown(fib(), made)
        == r"""## parwork: 2 workloads, 1 case DIFFERENT, 1 LOST

| case | run | verdict | where | serial | parallel |
|---|---|---|---|---|---|
| `test_fib.py::test_fib[0]` | `joblib-2` | DIFFERENT | `['mean']` and 2 more | `3.14` | `3.13` |
| `test_fib.py::test_fib[3]` | `joblib-2` | LOST | `its worker died` |  |  |

- **GLOBAL\_RNG (numpy.random), suspected** on `test_pi.py::test_pi`: same state
  - remedy: `seed = 1`

| workload | run | verdict | compared | serial | parallel | speed-up |
|---|---|---|---|---:|---:|---:|
| `test_pi.py::test_pi` | `joblib-2` | LOST | 2 values equal | 3.00s | 2.00s | ~1.50x |
| `test_fib.py::test_fib` | `joblib-2` | EQUAL | 35 values equal | 4.03s | 2.31s | 1.74x |

```mermaid
gantt
    title test_pi.py__test_pi on joblib-2, ms
    dateFormat x
    axisFormat %Q
    section worker 1
    test_fib[0] :crit, 0, 1000
    test_fib[2] :1000, 2000
    section worker 2
    test_fib[1] :0, 1000
```
"""
    )


def test_an_empty_report_and_plain_tests_are_said() -> None:
    assert markdown() == "## parwork: nothing ran\n"
    plain = tuple(PlainEntry(id=f"t.py::test[{n}]", reason="async <b>") for n in range(3))
    text = "".join(markdown_pieces(Report(version="0.1.0", plain=plain)))
    assert "3 tests plain, not compared:\n\n- 3: async \\<b\\>\n" in text


def test_a_large_report_stays_below_the_limit_of_github() -> None:
    members = first(5000, cases(9000), **DIFFERENT)
    runs = [run(members)] + [fib(workload=f"test_{n}.py::test") for n in range(300)]
    text = markdown(*runs)
    assert len(text.encode()) < 200_000
    assert f"and {5000 - CASES} more cases." in text
    assert f"and {301 - RUNS} more runs." in text
    assert len(re.findall(r"^    test_fib.* :", text, re.MULTILINE)) == BARS
    assert f"the longest {BARS} of 9000 cases" in text


HOSTILE = "t.py::test[`|</td><script>\n:#\u202e```]"


def test_a_hostile_id_breaks_no_table_and_no_chart() -> None:
    members = first(1, cases(2), **DIFFERENT, id=HOSTILE)
    text = markdown(run(members, id=HOSTILE))
    assert text.isascii()
    assert text.count("```") == 2
    chart = text.partition("```mermaid")[2]
    assert "<" not in chart
    assert not re.search(r"[`:#|<>].*:", chart)
    head, _, *rows = [line for line in text.splitlines() if line.startswith("|")][:3]
    for row in rows:  # no bar that is not escaped is inside a cell
        assert len(re.findall(r"(?<!\\)\|", row)) == head.count("|")


def trace(*runs: RunReport) -> Any:
    return json.loads("".join(trace_pieces(report(*runs))))


def test_a_trace_has_a_thread_for_each_worker_and_one_for_the_serial_run() -> None:
    members = [replace(case, serial_interval=(9.0, 9.5)) for case in cases(3)]
    events = trace(run(members))["traceEvents"]
    names = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert names == {0: "serial", 1: "worker 1", 2: "worker 2"}
    assert [(e["tid"], e["ts"], e["dur"]) for e in events if e["ph"] == "X" and e["tid"]] == [
        (1, 0, 1_000_000),
        (1, 1_000_000, 1_000_000),
        (2, 0, 1_000_000),
    ]


@pytest.mark.parametrize("xdist", [True, False])
def test_events_of_a_thread_never_overlap(xdist: bool) -> None:
    members = cases(400, parallel=0.000_000_7)
    if xdist:  # two processes, whose workers have the same numbers at the same time
        members = [
            replace(case, run=f"gw{n % 2}", worker=1, interval=interval(n // 2, 1.0))
            for n, case in enumerate(members)
        ]
    made = run(members, xdist=xdist)
    events = [event for event in trace(made, made)["traceEvents"] if event["ph"] == "X"]
    assert len(events) == 800
    rows: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for event in events:
        assert type(event["ts"]) is type(event["dur"]) is int
        row = rows.setdefault((event["pid"], event["tid"]), [])
        row.append((event["ts"], event["ts"] + event["dur"]))
    assert len(rows) == 4
    for row in rows.values():
        assert all(end <= start for (_, end), (start, _) in pairwise(row))


def test_a_case_that_was_not_sent_is_a_problem_with_its_reason() -> None:
    text = markdown(run([*cases(1), replace(cases(2)[1], **UNSENT)]))
    assert text.startswith("## parwork: 1 workload, 1 case NOT\\_SENT\n")
    assert "| NOT_SENT | `argument 'm' cannot be sent to a worker: ['lock'] is a " in text
