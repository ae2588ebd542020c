"""Which tests run daily: a fixed set, in which each backend has its share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.carrier import CONTRACT, JOINED, SWEPT
from support.selection import ALWAYS, CLUSTERS, FAMILIES, mark_sweep, sampled

MODULE = """
import pytest

ALSO_DAILY = ("isolated:forkserver",)
{few}

@pytest.mark.parametrize("number", range({numbers}))
@pytest.mark.parametrize("name", {names})
def test_it(name, number{fixtures}): ...

@pytest.fixture
def tour(): ...
"""


#: What the module asks daily in addition.
ALSO = "isolated:forkserver"


@pytest.fixture
def daily(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[tuple[str, str]]]:
    """Give what returns the daily tests of a module, as pairs of backend and number."""
    # Plugins of the environment take a second to import, and have no part in it.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def daily(
        *names: str,
        numbers: int = 6,
        fixtures: str = "",
        few: str = "",
        file: str = "test_it.py",
    ) -> list[tuple[str, str]]:
        text = MODULE.format(names=list(names), numbers=numbers, fixtures=fixtures, few=few)
        path = pytester.path / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        config = pytester.parseconfigure()
        items = pytester.genitems([pytester.getpathnode(path)])
        config._ensure_unconfigure()
        mark_sweep(items)
        found = [item.name for item in items if not item.get_closest_marker("sweep")]
        pairs = [name.partition("[")[2].rstrip("]").rpartition("-") for name in found]
        return [(backend, number) for backend, _, number in pairs]

    return daily


def of(pairs: list[tuple[str, str]], number: int) -> set[str]:
    return {backend for backend, at in pairs if at == str(number)}


def test_a_question_is_asked_daily_of_some_backends_and_of_one_other(
    daily: Callable[..., list[tuple[str, str]]],
) -> None:
    found = daily(*CONTRACT)
    for number in range(6):
        assert of(found, number) > {*ALWAYS, ALSO}
        assert len(of(found, number)) == len(ALWAYS) + 2
        assert of(found, number) & SWEPT == {ALSO}
        assert not of(found, number) & CLUSTERS


def test_a_cluster_is_the_other_one_where_a_module_has_it_or_nothing_else_is_asked(
    daily: Callable[..., list[tuple[str, str]]],
) -> None:
    assert {backend for backend, _ in daily("threads", "dask", JOINED)} == {"threads"}
    assert len(daily(JOINED)) == 6
    few = f"CLUSTERS_DAILY = ({JOINED!r},)"
    asked = daily("threads", "dask", JOINED, few=few, file="test_clusters.py")
    assert {backend for backend, _ in asked} == {"threads", JOINED}


@pytest.mark.sweep
def test_it_is_always_the_same_one_whatever_else_there_is(
    daily: Callable[..., list[tuple[str, str]]],
) -> None:
    found = daily(*CONTRACT)
    assert sorted(daily(*reversed(CONTRACT))) == sorted(found)
    more = daily(*CONTRACT, "joblib:new")
    assert {pair for pair in more if pair not in found} <= {
        ("joblib:new", str(number)) for number in range(6)
    }


def test_each_backend_is_asked_something_daily(
    daily: Callable[..., list[tuple[str, str]]],
) -> None:
    found = daily(*CONTRACT, numbers=80, few=f"CLUSTERS_DAILY = {sorted(CLUSTERS)}")
    assert {backend for backend, _ in found} == {*CONTRACT, ALSO} - (SWEPT - {ALSO})


def test_a_module_can_have_more_backends_asked(
    daily: Callable[..., list[tuple[str, str]]],
) -> None:
    found = daily("threads", "joblib", ALSO, "isolated:fork")
    for number in range(6):
        assert of(found, number) > {"threads", ALSO}
        assert len(of(found, number)) == 3


def test_a_module_can_have_a_slow_backend_asked_no_more_than_others(
    daily: Callable[..., list[tuple[str, str]]],
) -> None:
    found = daily(*CONTRACT, numbers=40, few='SELDOM_DAILY = ("joblib:loky",)')
    asked = {number for number in range(40) if "joblib:loky" in of(found, number)}
    assert 0 < len(asked) < 20
    assert {len(of(found, number)) for number in range(40)} == {len(ALWAYS) + 1}


def test_tests_of_one_run_are_one_question(daily: Callable[..., list[tuple[str, str]]]) -> None:
    found = daily("threads", "joblib", "isolated:fork", "isolated:spawn", fixtures=", tour")
    assert len({backend for backend, _ in found}) == 2
    assert len(found) == 12


@pytest.mark.sweep
def test_of_pytests_side_each_question_is_asked_once_and_of_another_backend_at_most_one(
    daily: Callable[..., list[tuple[str, str]]],
) -> None:
    numbers = set()
    for number in range(20):
        found = daily(
            "threads",
            "joblib",
            "isolated:fork",
            file=f"plugin/test_{number}.py",
            few="DAILY_OF_EACH = 9",
        )
        assert len({question for _, question in found}) == len(found) == 6
        numbers.add(len([pair for pair in found if pair[0] != "threads"]))
    assert numbers == {0, 1}


@pytest.mark.sweep
def test_of_pytests_side_one_backend_is_asked_in_any_case(
    daily: Callable[..., list[tuple[str, str]]],
) -> None:
    for number in range(20):
        found = daily("joblib", "isolated:fork", file=f"plugin/test_{number}.py")
        assert len(found) == 1


@pytest.mark.sweep
def test_a_module_of_costly_tests_has_few_of_each_function(
    daily: Callable[..., list[tuple[str, str]]],
) -> None:
    found = daily("threads", "joblib", "isolated:fork", few="DAILY_OF_EACH = 2")
    assert len(found) == 2
    assert found == daily("threads", "joblib", "isolated:fork", few="DAILY_OF_EACH = 2")


def test_on_pytests_side_one_of_each_function_is_daily(
    daily: Callable[..., list[tuple[str, str]]],
) -> None:
    assert len(daily("wide", "narrow", file="plugin/test_it.py")) == 1


def test_what_names_no_backend_is_daily(daily: Callable[..., list[tuple[str, str]]]) -> None:
    assert len(daily("wide", "narrow")) == 12


def test_what_is_never_daily_is_marked_alone_too(
    daily: Callable[..., list[tuple[str, str]]],
) -> None:
    assert not daily("isolated:spawn", "joblib:dask")


def test_every_family_of_the_contract_is_known() -> None:
    assert {name.partition(":")[0] for name in CONTRACT} == FAMILIES


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
    assert "4/52 tests collected (48 deselected)" in done.stdout
