"""The JSON report, schema 1, as the design page draws it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from importlib.metadata import distributions
from typing import Any

import pytest
from support.report_samples import cases, report, run

from pytest_parwork.model.causes import Cause
from pytest_parwork.model.comparison import Mismatch, Note
from pytest_parwork.model.outcome import Verdict
from pytest_parwork.model.work import Budget
from pytest_parwork.report.as_json import json_pieces
from pytest_parwork.report.data import Report, RunReport
from pytest_parwork.report.entries import Result
from pytest_parwork.report.environment import environment


def to_json(made: Report) -> str:
    return "".join(json_pieces(made))


def written(*runs: RunReport) -> Any:
    return json.loads(to_json(report(*runs)))


def test_the_report_has_the_keys_of_the_schema() -> None:
    data = written(run(cases(2)))
    assert list(data) == ["schema", "parwork", "environment", "runs", "plain", "scaling"]
    assert (data["schema"], data["parwork"]) == (1, "0.1.0")
    (entry,) = data["runs"]
    assert list(entry) == [
        "id",
        "scope",
        "configuration",
        "policy",
        "compared",
        "verdict",
        "exercised",
        "baseline",
        "expected",
        "xdist",
        "parts",
        "origin",
        "cases",
        "mismatches",
        "mismatch_count",
        "mismatch_classes",
        "notes",
        "workers_used",
        "peak_overlap",
        "together",
        "timing",
        "power",
        "selftest",
        "stress",
        "too_slow",
        "varied",
        "sent",
        "withheld",
        "associations",
        "causes",
        "cause",
    ]
    assert list(entry["timing"]) == [
        "serial",
        "parallel",
        "startup",
        "speedup",
        "efficiency",
        "bound",
        "bound_share",
        "flaw",
        "reliable",
        "in_workers",
        "serial_cpu",
        "parallel_cpu",
        "cpu_share",
        "waiting",
    ]


def test_the_configuration_tells_what_was_asked_and_what_it_got() -> None:
    budget = Budget(workers=2, source="2 usable CPUs (affinity)", cpus=2, cpus_limit="affinity")
    (entry,) = written(run(cases(2), budget=budget))["runs"]
    assert entry["configuration"] == {
        "id": "joblib-auto",
        "backend": "joblib",
        "start_method": "loky",
        "workers": {"asked": "auto", "resolved": 2, "source": "2 usable CPUs (affinity)"},
        "chunksize": "auto",
        "threads": None,
        "variation": None,
    }


def test_where_no_run_tells_where_its_workers_come_from_there_is_none() -> None:
    (entry,) = written(run(cases(2), facts=()))["runs"]
    assert entry["configuration"]["workers"] == {"asked": "auto", "resolved": 0, "source": None}


def test_a_case_tells_its_verdict_and_seconds() -> None:
    (entry,) = written(run(cases(2, serial=0.5, serial_cpu=0.4, parallel_cpu=0.9)))["runs"]
    assert entry["cases"][1] == {
        "id": "test_fib.py::test_fib[1]",
        "index": 1,
        "part": "a",
        "verdict": "EQUAL",
        "why": "",
        "outcome": "value",
        "compared": "values",
        "seconds": {"serial": 0.5, "parallel": 1.0},
        "cpu": {"serial": 0.4, "parallel": 0.9},
        "worker": 2,
        "process": None,
        "interval": [0.0, 0.0, 1.0],
        "serial_interval": None,
        "lost": None,
        "not_sent": None,
        "mismatch_count": 0,
        "mismatch_classes": {},
        "result": None,
        "legs": None,
        "repeats": [],
        "planted": [],
    }


def test_a_case_that_was_not_sent_has_the_reason_and_the_path() -> None:
    not_sent = {"reason": "argument", "detail": "argument 'm' cannot be sent", "path": "['lock']"}
    first, second = cases(2)
    missing = replace(first, verdict=Verdict.NOT_SENT, not_sent=not_sent, interval=None)
    (entry,) = written(run([missing, second]))["runs"]
    assert (entry["verdict"], entry["exercised"]) == ("NOT_SENT", None)
    assert entry["cases"][0]["not_sent"] == not_sent
    assert entry["cases"][0]["lost"] is None


def test_a_lost_case_tells_the_reason() -> None:
    lost = {"reason": "crash", "detail": "its worker died"}
    first, second = cases(2)
    (entry,) = written(run([replace(first, verdict=Verdict.LOST, lost=lost), second]))["runs"]
    assert entry["verdict"] == "LOST"
    assert entry["cases"][0]["lost"] == lost


def test_mismatches_name_their_case_and_are_counted_beyond_the_kept_ones() -> None:
    mismatch = Mismatch(path="[4]", kind="value", actual="2", expected="1", difference="+1")
    first, second = cases(2)
    first = replace(
        first,
        verdict=Verdict.DIFFERENT,
        mismatches=(mismatch,),
        mismatch_count=40,
        classes={"type": 3, "value": 37},
        notes=(Note(path="['a']", kind="dict-order", text="keys moved"),),
    )
    (entry,) = written(run([first, second]))["runs"]
    assert entry["mismatch_count"] == 40
    assert entry["mismatch_classes"] == {"value": 37, "type": 3}
    assert entry["cases"][0]["mismatch_count"] == 40
    assert entry["cases"][0]["mismatch_classes"] == {"type": 3, "value": 37}
    assert entry["mismatches"] == [
        {
            "case": "test_fib.py::test_fib[0]",
            "path": "[4]",
            "class": "value",
            "actual": "2",
            "expected": "1",
            "difference": "+1",
            "absolute": None,
            "relative": None,
            "ulp": None,
            "array": "",
            "differing": 1,
            "size": 1,
            "indices": [],
            "at": "",
        }
    ]
    assert entry["notes"] == [
        {
            "case": "test_fib.py::test_fib[0]",
            "path": "['a']",
            "kind": "dict-order",
            "text": "keys moved",
        }
    ]


def test_causes_are_listed_and_the_first_is_the_cause() -> None:
    rng = Cause(
        name="GLOBAL_RNG",
        detail="numpy.random",
        confirmed=True,
        cases=("test_fib.py::test_fib[0]",),
        evidence="same generator state, same value",
        remedy="rng = np.random.default_rng(parwork_seed)",
        probes=("same state", "other state"),
    )
    (entry,) = written(run(cases(2), causes=(rng, Cause(name="WORKER_HISTORY"))))["runs"]
    assert entry["cause"] == {
        "name": "GLOBAL_RNG",
        "detail": "numpy.random",
        "confirmed": True,
        "cases": ["test_fib.py::test_fib[0]"],
        "evidence": "same generator state, same value",
        "remedy": "rng = np.random.default_rng(parwork_seed)",
        "probes": ["same state", "other state"],
        "not_run": [],
        "line": "",
        "calls": [],
    }
    assert [cause["name"] for cause in entry["causes"]] == ["GLOBAL_RNG", "WORKER_HISTORY"]
    (entry,) = written(run(cases(2)))["runs"]
    assert (entry["causes"], entry["cause"]) == ([], None)


def test_intervals_are_relative_to_the_origin_of_the_run() -> None:
    moved: dict[str, Any] = {
        "interval": (7.0, 7.5, 8.0),
        "serial_interval": (9.0, 9.5),
        "process": 4711,
    }
    first, second = cases(2, **moved)
    (entry,) = written(run([first, replace(second, interval=(8.0, 8.0, 9.0))]))["runs"]
    assert entry["origin"] == 7.0
    assert [case["interval"] for case in entry["cases"]] == [[0, 0.5, 1], [1, 1, 2]]
    assert entry["cases"][0]["serial_interval"] == [2, 2.5]
    assert entry["cases"][0]["process"] == 4711


def test_a_result_is_written_where_it_is_known() -> None:
    first, second = cases(2)
    result = Result(kind="value", text="[49]", digest="ab", value=[49])
    (entry,) = written(run([replace(first, result=result), second]))["runs"]
    assert entry["cases"][0]["result"] == {
        "kind": "value",
        "text": "[49]",
        "digest": "ab",
        "value": [49],
    }
    assert entry["cases"][1]["result"] is None


def test_not_a_number_is_rejected_and_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(report(run(cases(2, serial=float("nan")))))


def test_text_that_no_encoding_takes_is_written_all_the_same() -> None:
    entry = run(cases(2), id="test_\udc80.py::test")
    to_json(report(entry)).encode("ascii")


def test_the_environment_tells_python_platform_cpus_gil_and_packages() -> None:
    facts = environment()
    assert list(facts) == [
        "python",
        "platform",
        "cpus",
        "cpus_limit",
        "gil",
        "cpu",
        "simd",
        "native",
        "variables",
        "packages",
    ]
    packages = facts["packages"]
    assert isinstance(packages, dict)
    installed = {each.name: each.version for each in distributions()}
    assert packages.items() <= installed.items()
    assert {"pytest", "joblib", "cloudpickle", "threadpoolctl"} <= packages.keys()
    assert "no such package" not in packages
    json.dumps(facts, allow_nan=False)


def test_of_the_environment_variables_only_those_of_a_fixed_list_are_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("API_TOKEN", "secret")
    facts = environment()
    assert facts["variables"]["OMP_NUM_THREADS"] == "3"  # type: ignore[index]
    assert "secret" not in json.dumps(facts)


def test_the_loaded_blas_is_reported_with_its_kernel_and_threads() -> None:
    pytest.importorskip("numpy")
    found: Any = environment()["native"]
    native = found[0]
    assert set(native) == {"library", "version", "kernel", "threads"}
    assert isinstance(native["threads"], int)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_gil_is_reported_as_python_states_it(
    monkeypatch: pytest.MonkeyPatch, enabled: bool
) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: enabled, raising=False)
    assert environment()["gil"] is enabled


def test_a_python_that_does_not_know_has_a_gil(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys, "_is_gil_enabled", raising=False)
    assert environment()["gil"] is True
