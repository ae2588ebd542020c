"""The report as one HTML page, which needs no network and no other file.

The page holds a table of workloads and one of the cases that are not equal, for browsers without
scripts. Its script draws the rest from the JSON report, which it unpacks itself. Foreign texts are
escaped by the template, and the script only ever sets them as text; the policy of the page forbids
everything else that a browser might load or run.
"""

from __future__ import annotations

import base64
import gzip
import json
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..model.outcome import Verdict
from .as_json import json_pieces
from .data import Report, RunReport
from .entries import CaseEntry
from .figures import duration, ratio
from .notes import equal_counts
from .terminal import render

PAGE = Path(__file__).with_name("page")

#: Cases that are not equal in the page itself; its script shows more.
CASES = 300

#: Verdicts of a case, or of a run, that are problems, and those that prove nothing.
_BAD = {"LOST", "DIFFERENT", "NOT_SENT"}
_DOUBTFUL = {"NOT_EXERCISED", "NOT_VERIFIED"}


def html_pieces(report: Report) -> Iterator[str]:
    """Yield the page, piece by piece; needs jinja2."""
    from jinja2 import Environment

    # Scripts and styles of our own are no foreign text.
    parts = {name: (PAGE / f"page.{name}").read_text("utf-8") for name in ("html.j2", "css", "js")}
    from markupsafe import Markup

    template = Environment(autoescape=True).from_string(parts["html.j2"])
    section = render(report, width=80, verbosity=-1)
    worst = Verdict.worst([run.verdict for run in report.runs]).value
    bad = [(run, case) for run in report.runs for case in run.cases if case.verdict.value in _BAD]
    yield from template.generate(
        nonce=secrets.token_urlsafe(16),
        style=Markup(parts["css"]),
        script=Markup(parts["js"]),
        data=_packed(report),
        title=section.title.text if section is not None else "parwork: nothing was run",
        level=_level(worst) if report.runs else "warning",
        version=report.version,
        facts=_facts(report),
        verdicts=[verdict.value for verdict in Verdict],
        runs=[_run(run) for run in report.runs],
        bad=[_case(run, case) for run, case in bad[:CASES]],
        bad_more=len(bad) - min(len(bad), CASES),
        plain=Counter(entry.reason for entry in report.plain).most_common(),
        environment=list(_flat(report.environment)),
    )
    yield "\n"


def _packed(report: Report) -> str:
    """Return the JSON report, without what the page does not show, gzipped and in base64."""
    data = json.loads("".join(json_pieces(report)))
    for run in data["runs"]:
        run.pop("notes")
        for case in run["cases"]:
            for name in ("interval", "serial_interval"):
                if case[name] is not None:  # microseconds: more digits cannot be seen
                    case[name] = [round(moment, 6) for moment in case[name]]
            for name in ("mismatch_classes", "process", "part", "index"):
                case.pop(name)
            if case["result"] is not None:
                case["result"] = {"text": case["result"]["text"]}
    text = json.dumps(data, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(text, 6, mtime=0)).decode()


def _level(verdict: str) -> str:
    return "error" if verdict in _BAD else "warning" if verdict in _DOUBTFUL else "good"


def _facts(report: Report) -> list[str]:
    found = report.environment
    python = [f"Python {found['python']}"] if "python" in found else []
    cpus = [f"{found['cpus']} CPUs"] if "cpus" in found else []
    return [*python, *cpus, *([str(found["platform"])] if "platform" in found else [])]


def _run(run: RunReport) -> Mapping[str, Any]:
    timing = run.timing
    speedup = "-" if run.xdist else ratio(timing.speedup)
    return {
        "id": run.id,
        "label": run.label,
        "verdict": run.verdict.value,
        "level": _level(run.verdict.value),
        "equal": equal_counts(run)[0][0],
        "serial": duration(timing.serial),
        "serial_value": _number(timing.serial),
        "parallel": duration(timing.parallel),
        "parallel_value": _number(timing.parallel),
        "speedup": speedup if timing.reliable or speedup == "-" else f"~{speedup}",
        "speedup_value": _number(None if run.xdist else timing.speedup),
    }


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def _case(run: RunReport, case: CaseEntry) -> Mapping[str, str]:
    first = case.mismatches[0] if case.mismatches else None
    return {
        "id": case.id,
        "run": run.label,
        "verdict": case.verdict.value,
        "where": (first.path or "the value") if first else (case.lost or {}).get("detail", ""),
        "serial": first.expected if first else "",
        "parallel": first.actual if first else "",
    }


def _flat(facts: object, name: str = "") -> Iterator[tuple[str, str]]:
    if not isinstance(facts, Mapping):
        if facts not in (None, [], ()):
            yield name, ", ".join(map(str, facts)) if isinstance(facts, list) else str(facts)
        return
    for key, value in facts.items():
        yield from _flat(value, str(key) if not name else f"{name}: {key}")
