"""The same hostile kinds on the tools that people use without the plugin, judged in the same way.

A peer reports no reasons, so any error in place of the guilty result counts as naming it. Each peer
is used such that it loses as little as possible.
"""

from __future__ import annotations

import json
import random
import re
import sys
import xml.etree.ElementTree as Xml
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .experiment import Case, Experiment, Judgement, Seen
from .judge import NAMED_WITHIN, judge_kind
from .kinds import KINDS, Kind, Reading
from .project import MODULE, case_id, write_project

__all__ = ["PEERS", "baseline_of", "experiments"]

HARD = 20.0

#: Kinds that affect only a plugin that loads, compares or prepares something.
NOT_THEIRS = {"starting", "tables"}

#: Files that dask leaves even without an attack.
ORDINARY = "TMPDIR/dask-scratch-space"

#: The verdicts of a guilty case that are accepted from a peer.
NAMED = (Reading("LOST"), Reading("DIFFERENT"))

#: The program of a peer, which calls each case.
_CALLING = """\
import json
import sys

import {module}

COUNT, TIMEOUT = {count}, {timeout}
found = {{}}


def note(n, act):
    try:
        value = act()
    except BaseException as error:
        found[n] = {{"verdict": "LOST", "message": type(error).__name__}}
    else:
        is_right = type(value) is dict and value == {module}.value(n)
        found[n] = {{"verdict": "EQUAL" if is_right else "DIFFERENT", "message": ""}}


def main():
{body}


if __name__ == "__main__":
    main()
    with open("peer.json", "w") as file:
        json.dump(found, file)
    sys.exit(any(one["verdict"] != "EQUAL" for one in found.values()))
"""

_FUTURES = """\
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(2) as pool:
        futures = [pool.submit({module}.test_it, n) for n in range(COUNT)]
        for n, future in enumerate(futures):
            note(n, lambda: future.result(TIMEOUT))
        pool.shutdown(wait=False, cancel_futures=True)
"""

_JOBLIB = """\
    from joblib import Parallel, delayed

    def numbered(n):
        return n, {module}.test_it(n)

    parallel = Parallel(2, timeout=TIMEOUT, return_as="generator_unordered")
    try:
        for n, value in parallel(delayed(numbered)(n) for n in range(COUNT)):
            note(n, lambda: value)
    except BaseException as error:
        for n in set(range(COUNT)) - set(found):
            found[n] = {{"verdict": "LOST", "message": type(error).__name__}}
"""

_DASK = """\
    from distributed import Client

    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        futures = [client.submit({module}.test_it, n, pure=False) for n in range(COUNT)]
        for n, future in enumerate(futures):
            note(n, lambda: future.result(TIMEOUT))
"""

_XDIST = """\
import pytest

import {module}


@pytest.mark.parametrize("n", range({count}))
def test_case(n):
    {module}.test_it(n)
"""

#: The peers by name, each with the body of its program; the last one is run by pytest.
PEERS: Mapping[str, str] = {
    "concurrent.futures": _FUTURES,
    "joblib.Parallel": _JOBLIB,
    "dask.distributed": _DASK,
    "pytest-xdist": _XDIST,
}


def experiments(peer: str, seed: int) -> Iterator[Experiment]:
    """Yield the experiments of a peer."""
    for kind in KINDS.values():
        is_possible = not (kind.is_ours or kind.only or kind.group in NOT_THEIRS)
        has_results = peer != "pytest-xdist" or kind.group != "results"
        if is_possible and has_results and (not kind.needs or find_spec(kind.needs)):
            yield _experiment(kind, peer, seed)


def baseline_of(peer: str, number: int) -> Experiment:
    """Return the experiment that measures the time of a peer without an attack."""
    return _experiment(KINDS["innocent"], peer, number)


def _experiment(kind: Kind, peer: str, seed: int) -> Experiment:
    def chosen(generator: random.Random) -> tuple[int, tuple[int, ...]]:
        count = generator.randint(8, 12)
        one = generator.randrange(count)
        return count, tuple(range(count)) if kind.is_every else (one,)

    def write(folder: Path, generator: random.Random, baseline: float) -> Mapping[str, Any]:
        count, guilty = chosen(generator)
        write_project(folder, kind, guilty=guilty, count=count, chunksize=None)
        _write_peer(folder, peer, count, kind.timeout)
        return {
            "limit": (kind.timeout or 0.0) + NAMED_WITHIN + baseline + HARD,
            "environment_too": {"ATTACK_PYTEST": "0"} if peer == "pytest-xdist" else {},
        }

    def judge(seen: Seen, baseline: float) -> Judgement:
        count, guilty = chosen(experiment.random)
        return judge_kind(seen, baseline, kind=_lenient(kind), guilty=guilty, count=count)

    experiment = Experiment(
        name=kind.name,
        group=kind.group,
        backend=peer,
        seed=seed,
        write=write,
        judge=judge,
        words=_words(peer),
        read=read,
    )
    return experiment


def _write_peer(folder: Path, peer: str, count: int, timeout: float | None) -> None:
    names = {"module": MODULE, "count": count, "timeout": timeout}
    body = PEERS[peer].format(**names)
    if peer == "pytest-xdist":
        (folder / "test_peer.py").write_text(body, encoding="utf-8")
    else:
        text = _CALLING.format(**names, body=body)
        (folder / "peer.py").write_text(text, encoding="utf-8")


def _words(peer: str) -> list[str]:
    if peer != "pytest-xdist":
        return [sys.executable, "peer.py"]
    words = [sys.executable, "-m", "pytest", "test_peer.py", "-n", "2", "-p", "xdist"]
    return [*words, "-p", "no:cacheprovider", "--junitxml=junit.xml", "--basetemp=temporary"]


def read(project: Path) -> Mapping[str, Case] | None:
    """Return the result of each case."""
    try:
        if (project / "test_peer.py").exists():
            return dict(_of_junit(project / "junit.xml"))
        found = json.loads((project / "peer.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, Xml.ParseError):
        return None
    return {
        case_id(int(number)): Case(
            verdict=one["verdict"],
            reason="timeout" if "Timeout" in one["message"] else "crash",
            compared="values",
            message="" if one["verdict"] == "EQUAL" else one["message"] or one["verdict"],
        )
        for number, one in found.items()
    }


def _of_junit(path: Path) -> Iterator[tuple[str, Case]]:
    for case in Xml.parse(path).iter("testcase"):
        number = re.search(r"\[(\d+)\]", case.get("name") or "")
        if number is None:
            continue
        failed = [one for one in case if one.tag in ("failure", "error", "skipped")]
        message = (failed[0].get("message") or "failed") if failed else ""
        verdict = "LOST" if failed else "EQUAL"
        yield (
            case_id(int(number[1])),
            Case(verdict=verdict, reason="crash", compared="values", message=message),
        )


def _lenient(kind: Kind) -> Kind:
    """Return a kind for which any error counts as named; where none is required, as own doing."""
    is_harmless = any(reading.text == "EQUAL" for reading in kind.survived)
    survived = kind.survived if is_harmless else (*kind.survived, *NAMED)
    return Kind(
        name=kind.name,
        group=kind.group,
        body=kind.body,
        survived=survived,
        own=NAMED if is_harmless else (),
        timeout=kind.timeout,
        escapes=kind.escapes,
        leaves=ORDINARY,
    )
