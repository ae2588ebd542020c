"""Which tests run daily: a fixed set, in which each backend has its share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from carrier import CONTRACT, SWEPT
from support.selection import CHEAP, FAMILIES, daily_of, mark_sweep, sampled


def test_a_question_is_asked_daily_of_the_cheap_backends_and_of_one_other() -> None:
    for number in range(20):
        daily = daily_of(f"question {number}", CONTRACT)
        assert daily >= CHEAP
        assert len(daily) == len(CHEAP) + 1
        assert not daily & SWEPT


def test_the_other_is_always_the_same_for_the_same_question() -> None:
    backwards = list(reversed(CONTRACT))
    assert daily_of("question", CONTRACT) == daily_of("question", backwards)


def test_each_backend_is_asked_something_daily() -> None:
    daily: set[str] = set()
    for number in range(200):
        daily |= daily_of(f"question {number}", CONTRACT)
    assert daily == set(CONTRACT) - SWEPT


def test_a_new_backend_changes_only_the_questions_that_it_gets() -> None:
    for number in range(50):
        before = daily_of(f"question {number}", CONTRACT)
        after = daily_of(f"question {number}", [*CONTRACT, "a new one"])
        assert after == before or "a new one" in after


def test_a_module_can_have_more_backends_asked() -> None:
    names = ["threads", "joblib", "dask", "isolated:fork"]
    for number in range(20):
        daily = daily_of(f"question {number}", names, also=("joblib",))
        assert daily >= {"threads", "joblib"}
        assert len(daily) == 3


def test_every_family_of_the_contract_is_known() -> None:
    assert {name.partition(":")[0] for name in CONTRACT} == FAMILIES


def test_what_is_not_daily_is_marked(pytester: pytest.Pytester) -> None:
    file = pytester.makepyfile(
        """
        import pytest

        ALSO_DAILY = ("dask",)

        @pytest.mark.parametrize("name", ["wide", "narrow"])
        @pytest.mark.parametrize("backend", ["threads", "joblib", "isolated:fork", "dask"])
        def test_each(name, backend): ...

        @pytest.mark.parametrize("name", ["dask", pytest.param("joblib", marks=pytest.mark.sweep)])
        def test_marked(name): ...

        @pytest.mark.parametrize("name", ["wide", "narrow"])
        def test_of_no_backend(name): ...

        @pytest.mark.parametrize("question", range(9))
        @pytest.mark.parametrize("name", ["threads", "joblib", "isolated:fork", "processes:spawn"])
        def test_of_one_run(name, question, tour): ...

        @pytest.fixture
        def tour(): ...
        """
    )
    items = pytester.getitems(file.read_text(encoding="utf-8"))
    mark_sweep(items)
    daily = [item.name for item in items if not item.get_closest_marker("sweep")]

    assert len([name for name in daily if "test_each" in name]) == 6
    assert {"test_each[threads-wide]", "test_each[dask-narrow]"} < set(daily)
    assert [name for name in daily if "test_marked" in name] == ["test_marked[dask]"]
    assert [name for name in daily if "no_backend" in name] == [
        "test_of_no_backend[wide]",
        "test_of_no_backend[narrow]",
    ]
    of_one_run = {name.rpartition("-")[0] for name in daily if "one_run" in name}
    assert len(of_one_run) == 2  # one other for all nine


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    items = [f"test_{number}" for number in range(100)]
    one, again, other = (sampled(items, 10, seed=seed) for seed in ("a", "a", "b"))
    assert one == again
    assert one != other
    assert len(one) == len(set(one)) == 10
    assert one == sorted(one, key=items.index)


def test_a_sample_of_more_than_there_is_takes_all() -> None:
    assert sampled(["a", "b"], 3, seed="") == ["a", "b"]
    assert sampled([], 3, seed="") == []


def test_samples_of_many_commits_take_everything() -> None:
    items = [f"test_{number}" for number in range(100)]
    assert {item for seed in range(60) for item in sampled(items, 10, seed=str(seed))} == set(items)


def test_a_sample_can_be_asked_for_on_the_command_line() -> None:
    fuzz = Path(__file__).with_name("test_relation_fuzz.py")
    options = ["-m", "sweep", "--sample=4", "--sample-seed=a commit", "--collect-only", "-q"]
    command = [sys.executable, "-m", "pytest", str(fuzz), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=True)
    found = [line for line in done.stdout.splitlines() if "::" in line]
    assert len(found) == 4
    assert "4/51 tests collected (47 deselected)" in done.stdout
