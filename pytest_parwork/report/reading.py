"""A report file, read back: checked against the schema, because anyone may have written it."""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from ..model.causes import Cause
from ..model.comparison import Mismatch, Note
from ..model.errors import UsageError
from ..model.observed import Legs, Observed, Pool
from ..model.outcome import Verdict
from ..model.printable import printable
from ..model.work import Budget
from .data import SCHEMA, Report, RunEntry, summarise
from .entries import CaseEntry, Result, RunFacts
from .plain import PlainEntry
from .repeats import Repeat
from .schema import violation
from .selftest import Plant
from .serialising import deserialise
from .stress import Stress, StressRun
from .variants import Variation

Json: TypeAlias = Any

#: A report of a million cases has less.
BYTES = 1 << 30

#: Digits of an integer: no result that a report carries has more.
DIGITS = 80


def read_report(file: Path) -> Report:
    """Read a JSON report; `UsageError` with one line that says what is wrong with the file."""
    try:
        return _report(_load(file))
    except OSError as error:
        why = error.strerror or str(error)
    except RecursionError:
        why = "it is nested too deep"
    except UnicodeDecodeError as error:
        why = f"it is not UTF-8 at byte {error.start}"
    except json.JSONDecodeError as error:
        why = f"it is not JSON: {error.msg} in line {error.lineno}"
    except (ValueError, OverflowError) as error:
        why = " ".join(str(error).split())
    raise UsageError(f"{file}: {printable(why):.200}")


def _load(file: Path) -> Json:
    # A pipe without a writer, or a terminal, would block.
    with open(os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as opened:
        found = os.fstat(opened.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("it is not a regular file")
        if found.st_size > BYTES:
            raise ValueError(f"it has {found.st_size} bytes, more than {BYTES}")
        text = opened.read().decode("utf-8")
    return json.loads(text, parse_constant=_reject, parse_float=_finite, parse_int=_bounded)


def _reject(name: str) -> Json:
    raise ValueError(f"it holds {name}, which is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"it holds the number {text:.40}, which is too large")
    return number


def _bounded(text: str) -> int:
    if len(text) > DIGITS:
        raise ValueError(f"it holds an integer of {len(text)} digits")
    return int(text)


def _report(data: Json) -> Report:
    version = data.get("schema") if isinstance(data, dict) else None
    if version is None:
        raise ValueError("it is no report of pytest-parwork: there is no 'schema'")
    if version != SCHEMA:
        raise ValueError(f"it has schema {version!r:.40}, and only {SCHEMA} is known")
    if text := violation(data):
        raise ValueError(f"it is no report: {text}")
    return Report(
        version=data["parwork"],
        runs=tuple(summarise(_run(run)) for run in data["runs"]),
        plain=tuple(
            deserialise(PlainEntry, _known(PlainEntry, one)) for one in data.get("plain", ())
        ),
        environment=data["environment"],
    )


def _run(data: Mapping[str, Json]) -> RunEntry:
    configuration = data["configuration"]
    mismatches = _by_case(data["mismatches"])
    notes = _by_case(data.get("notes", ()))
    return RunEntry(
        id=data["id"],
        configuration_id=configuration["id"],
        backend=configuration["backend"] or "",
        asked=configuration["workers"]["asked"] or "auto",
        policy=data["policy"],
        chunksize=configuration.get("chunksize", "auto"),
        facts=tuple(map(_facts, data["parts"])),
        cases=tuple(
            _case(case, mismatches.get(case["id"], ()), notes.get(case["id"], ()))
            for case in data["cases"]
        ),
        expected=data.get("expected"),
        xdist=data.get("xdist", False),
        causes=tuple(deserialise(Cause, _known(Cause, one)) for one in data.get("causes", ())),
        too_slow=data.get("too_slow") or "",
        varied=tuple(data.get("varied", ())),
        variation=_variation(configuration.get("variation")),
        scope=data.get("scope", "function"),
        stress=_stress(data.get("stress")),
        is_baseline=data.get("baseline", False),
    )


def _stress(data: Mapping[str, Json] | None) -> Stress | None:
    if data is None:
        return None
    runs = [_known(StressRun, one) for one in data["runs"]]
    return deserialise(Stress, {**_known(Stress, data), "runs": runs})


def _variation(data: Mapping[str, Json] | None) -> Variation | None:
    return None if data is None else deserialise(Variation, _known(Variation, data))


def _facts(data: Mapping[str, Json]) -> RunFacts:
    budget = data.get("budget")
    known = {**_known(RunFacts, data), "budget": budget and _known(Budget, budget)}
    return deserialise(RunFacts, known)


def _case(
    data: Mapping[str, Json], mismatches: Iterable[Mapping[str, Json]], notes: Iterable[Json]
) -> CaseEntry:
    result = data.get("result")
    interval, serial_interval = data.get("interval"), data.get("serial_interval")
    return CaseEntry(
        id=data["id"],
        verdict=Verdict(data["verdict"]),
        index=data["index"],
        run=data["part"],
        serial=data["seconds"]["serial"],
        parallel=data["seconds"]["parallel"],
        serial_cpu=data.get("cpu", {}).get("serial"),
        parallel_cpu=data.get("cpu", {}).get("parallel"),
        worker=data.get("worker"),
        process=data.get("process"),
        interval=tuple(interval) if interval else None,
        serial_interval=tuple(serial_interval) if serial_interval else None,
        outcome=data["outcome"],
        compared=data["compared"],
        lost=data.get("lost"),
        not_sent=data.get("not_sent"),
        mismatches=tuple(
            deserialise(Mismatch, {**_known(Mismatch, one), "kind": one["class"]})
            for one in mismatches
        ),
        mismatch_count=data.get("mismatch_count", 0),
        classes=data.get("mismatch_classes", {}),
        notes=tuple(deserialise(Note, _known(Note, one)) for one in notes),
        why=data.get("why", ""),
        result=deserialise(Result, _known(Result, result)) if result else None,
        legs=_legs(data["legs"]) if data.get("legs") else None,
        repeats=tuple(map(_repeat, data.get("repeats", ()))),
        planted=tuple(Plant(**_known(Plant, one)) for one in data.get("planted", ())),
    )


def _repeat(data: Mapping[str, Json]) -> Repeat:
    interval = data.get("interval")
    return Repeat(
        verdict=Verdict(data["verdict"]),
        parallel=data.get("seconds"),
        parallel_cpu=data.get("cpu"),
        worker=data.get("worker"),
        process=data.get("process"),
        interval=tuple(interval) if interval else None,
    )


def _legs(data: Mapping[str, Json]) -> Legs:
    sides = {name: {**data[name], "pools": _pools(data[name])} for name in ("actual", "reference")}
    return Legs(
        actual=Observed(**_known(Observed, sides["actual"])),
        reference=Observed(**_known(Observed, sides["reference"])),
        agrees=tuple(data.get("agrees", ())),
    )


def _pools(data: Mapping[str, Json]) -> tuple[Pool, ...]:
    return tuple(Pool(**_known(Pool, pool)) for pool in data["pools"])


def _by_case(entries: Iterable[Mapping[str, Json]]) -> dict[str, list[Mapping[str, Json]]]:
    found: dict[str, list[Mapping[str, Json]]] = {}
    for entry in entries:
        found.setdefault(entry["case"], []).append(entry)
    return found


def _known(cls: Any, data: Mapping[str, Json]) -> dict[str, Json]:
    """Return the members that a class has: a newer version may write more."""
    return {name: value for name, value in data.items() if name in cls.__dataclass_fields__}
