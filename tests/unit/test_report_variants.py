"""Runs of code that is parallel itself: what is judged parallel, how fast, and what is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.report_samples import cases, report, run, shown

from pytest_parwork.model.observed import Legs, Observed, Pool
from pytest_parwork.model.outcome import Verdict
from pytest_parwork.report.as_json import json_pieces
from pytest_parwork.report.data import RunEntry, RunReport, summarise
from pytest_parwork.report.files import write_whole
from pytest_parwork.report.reading import read_report
from pytest_parwork.report.scaling import amdahl, scale, scalings
from pytest_parwork.report.schema import violation
from pytest_parwork.report.variants import Variation

SERIAL = Observed(wall=1.0, cpu=1.0)


def observed(*pools: tuple[str, int, int], **fields: Any) -> Observed:
    found = tuple(Pool(name=name, workers=workers, tasks=tasks) for name, workers, tasks in pools)
    return replace(SERIAL, pools=found, **fields)


def varied(
    number: int = 2,
    *,
    actual: Observed = SERIAL,
    reference: Observed = SERIAL,
    agrees: tuple[str, ...] = (),
    counts: bool = True,
    expected: int | None = None,
    seconds: float = 1.0,
    **fields: Any,
) -> RunReport:
    """Return the run of `n_jobs` with this number, of two cases."""
    legs = Legs(actual=actual, reference=reference, agrees=agrees)
    members = cases(2, parallel=seconds, worker=None, interval=None, run="", legs=legs, **fields)
    variation = Variation(
        kind="vary",
        label=f"n_jobs:{number}",
        reference="n_jobs:1",
        values={"n_jobs": str(number)},
        counts_workers=counts,
        workers=number,
    )
    return summarise(
        RunEntry(
            id="test_a.py::test_a",
            configuration_id=variation.label,
            backend="",
            asked=number,
            policy="exact()",
            cases=tuple(members),
            expected=len(members) if expected is None else expected,
            variation=variation,
        )
    )


@pytest.mark.parametrize(
    ("actual", "reference", "is_parallel"),
    [
        (SERIAL, SERIAL, False),
        (observed(("a pool", 2, 2)), SERIAL, True),
        (observed(("a pool", 2, 1)), SERIAL, False),
        (observed(("a pool", 1, 2)), SERIAL, False),
        # Native threads: more CPU time than one thread has, or than the reference spent in others.
        (replace(SERIAL, cpu=1.9, elsewhere=0.9), SERIAL, True),
        (replace(SERIAL, elsewhere=0.5), SERIAL, True),
        (replace(SERIAL, elsewhere=0.05), SERIAL, False),
        (replace(SERIAL, cpu=1.9, elsewhere=0.9), replace(SERIAL, cpu=1.9, elsewhere=0.9), False),
        (replace(SERIAL, cpu=1.9, elsewhere=1.9), replace(SERIAL, elsewhere=1.0), True),
        (replace(SERIAL, children=0.9), SERIAL, True),
        (replace(SERIAL, children=0.9), replace(SERIAL, children=0.9), False),
    ],
)
def test_what_counts_as_parallel(actual: Observed, reference: Observed, is_parallel: bool) -> None:
    run = varied(actual=actual, reference=reference)
    assert run.exercised is is_parallel
    assert run.verdict is (Verdict.EQUAL if is_parallel else Verdict.NOT_EXERCISED)


def test_a_part_of_the_cases_and_other_arguments_are_not_judged() -> None:
    assert varied(expected=3).exercised is None
    assert varied(expected=3, actual=observed(("a pool", 2, 2))).exercised is True
    assert varied(counts=False).exercised is None
    assert varied(1).exercised is None


@pytest.mark.parametrize(
    ("run", "text"),
    [
        (varied(), "NOT EXERCISED: with n_jobs:2, no pool, thread or process was used"),
        (
            varied(actual=observed(("joblib's loky", 1, 9))),
            "with n_jobs:2, joblib's loky with 1 worker was used. Check that",
        ),
        (
            varied(actual=observed(("joblib's loky", 2, 1))),
            "with n_jobs:2, joblib's loky with 2 workers was given a single task. Check that",
        ),
        (
            varied(
                actual=observed(("joblib's loky", 2, 9)),
                reference=observed(("dask's threads", 4, 9)),
            ),
            "the reference n_jobs:1 used dask's threads with 4 workers: a defect in every worker",
        ),
        (
            varied(actual=replace(SERIAL, elsewhere=1.0), reference=replace(SERIAL, elsewhere=0.5)),
            "the reference n_jobs:1 used native threads (50% of its CPU time): a defect in every",
        ),
        (varied(actual=observed(("joblib's loky", 2, 9))), "exact; joblib's loky with 2 workers"),
        (
            varied(actual=replace(SERIAL, cpu=2.0, elsewhere=1.0)),
            "exact; native threads (50% of its CPU time)",
        ),
        (
            varied(verdict=Verdict.DIFFERENT, agrees=("n_jobs:3", "n_jobs:4")),
            "n_jobs:2 and n_jobs:3, n_jobs:4 agree with one another",
        ),
    ],
)
def test_the_terminal_says_what_ran(run: RunReport, text: str) -> None:
    assert text in " ".join(shown(run).split())


def test_blas_in_the_reference_is_no_matter_where_a_pool_is_varied() -> None:
    run = varied(actual=observed(("a pool", 2, 9)), reference=replace(SERIAL, elsewhere=0.9))
    assert "the reference" not in shown(run).partition("\n")[2].replace("reference     varied", "")


def test_speed_up_efficiency_and_serial_share() -> None:
    pool = observed(("a pool", 2, 9))
    four = observed(("a pool", 4, 9))
    # T(p) = 0.2 + 0.8 / p
    runs = (varied(2, actual=pool, seconds=0.6), varied(4, actual=four, seconds=0.4))
    (scaling,) = scalings(runs)
    assert [(s.label, s.workers) for s in scaling.scales] == [
        ("n_jobs:1", 1),
        ("n_jobs:2", 2),
        ("n_jobs:4", 4),
    ]
    assert [s.speedup for s in scaling.scales] == pytest.approx([1, 1 / 0.6, 2.5])
    assert [s.efficiency for s in scaling.scales] == pytest.approx([1, 1 / 1.2, 2.5 / 4])
    assert [s.karp_flatt for s in scaling.scales[1:]] == pytest.approx([0.2, 0.2])
    assert scaling.serial_share == pytest.approx(0.2)
    assert scaling.limit == pytest.approx(5)
    lines = shown(*runs)
    assert "n_jobs:4        4    0.80s     2.50x        62 %        0.20" in lines
    assert "Amdahl's law: 20 % serial, at most 5.0x (fitted to 1, 2, 4 workers)" in lines


def test_a_law_needs_three_numbers_of_workers() -> None:
    scales = [scale("1", 1, 1.0, 1.0), scale("2", 2, 1.0, 0.5), scale("-1", 2, 1.0, 0.6)]
    assert amdahl(scales) is None
    assert amdahl([*scales, scale("4", 4, 1.0, 0.1)]) == 0.0  # faster than any law: caches


def on(workers: int, seconds: float, backend: str = "joblib", **fields: Any) -> RunReport:
    """Return a run of 8 cases of 0.5 s on a backend that took so many seconds."""
    members = cases(8, serial=0.5, parallel=0.5, workers=workers)
    facts = {"wall": seconds, "granted": workers, "configuration_id": f"{backend}-{workers}"}
    return run(members, **{**facts, "backend": backend, "asked": workers, **fields})


def test_runs_of_a_backend_on_several_numbers_of_workers_have_a_table() -> None:
    # T(p) = 0.8 + 3.2 / p, and sending takes a while on one worker.
    runs = (on(1, 4.4), on(2, 2.4), on(4, 1.6), on(2, 3.0, "threads"))
    (scaling,) = scalings(runs)
    assert [(s.label, s.workers) for s in scaling.scales] == [
        ("serial", 1),
        ("joblib-1", 1),
        ("joblib-2", 2),
        ("joblib-4", 4),
    ]
    assert [s.efficiency for s in scaling.scales] == pytest.approx([1, 4 / 4.4, 4 / 4.8, 2.5 / 4])
    lines = shown(*runs).splitlines()
    at = lines.index("            workers  seconds  speed-up  efficiency  Karp-Flatt")
    assert lines[at + 4] == "  joblib-4        4    1.60s     2.50x        62 %        0.20"
    assert lines[at + 5] == "  Amdahl's law: 20 % serial, at most 5.0x (fitted to 1, 2, 4 workers)"


def test_runs_on_one_number_of_workers_or_without_known_speeds_have_no_table() -> None:
    assert list(scalings([on(2, 2.4)])) == []
    assert list(scalings([on(2, 2.4), on(2, 2.5, configuration_id="joblib-auto")])) == []
    assert list(scalings([on(2, 2.4), on(2, 1.6, "threads")])) == []
    assert list(scalings([on(2, 2.4, xdist=True), on(4, 1.6, xdist=True)])) == []
    assert list(scalings([on(2, 2.4), on(4, 1.6, expected=9)])) != []
    unreliable = run(cases(8, serial=None), wall=1.6, granted=4, configuration_id="joblib-4")
    assert list(scalings([on(2, 2.4), unreliable])) == []


def test_what_was_not_parallel_has_no_scale() -> None:
    assert list(scalings([varied()])) == []
    assert list(scalings([varied(counts=False)])) == []


def test_a_report_of_variants_comes_back_as_it_was_written(tmp_path: Path) -> None:
    run = varied(verdict=Verdict.DIFFERENT, agrees=("n_jobs:3",), actual=observed(("a pool", 2, 2)))
    text = "".join(json_pieces(report(run)))
    assert violation(json.loads(text)) == ""
    file = tmp_path / "report.json"
    write_whole(file, [text])
    (found,) = read_report(file).runs
    assert found == run
