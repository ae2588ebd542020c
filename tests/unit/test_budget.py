"""The number of workers and native threads, and its source."""

from __future__ import annotations

import pytest

from pytest_parwork.machine import budget
from pytest_parwork.machine.cpus import Cpus
from pytest_parwork.model.errors import UsageError
from pytest_parwork.model.work import WorkersAsked


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARWORK_MAX_WORKERS", raising=False)
    monkeypatch.delenv("PYTEST_XDIST_WORKER_COUNT", raising=False)
    give(monkeypatch, 8)


def give(monkeypatch: pytest.MonkeyPatch, number: int, limit: str = "") -> None:
    monkeypatch.setattr(budget, "usable_cpus", lambda: Cpus(number=number, limit=limit))


def described(asked: WorkersAsked) -> tuple[int, str]:
    found = budget.resolve(asked)
    return found.workers, found.source


def test_auto_is_the_usable_cpus_and_at_least_two(monkeypatch: pytest.MonkeyPatch) -> None:
    assert described("auto") == (8, "8 usable CPUs")
    give(monkeypatch, 2, "cgroup limit")
    assert described("auto") == (2, "2 usable CPUs (cgroup limit)")
    give(monkeypatch, 1, "affinity")
    assert described("auto") == (2, "at least 2, with 1 usable CPU (affinity)")


def test_a_number_is_used_as_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "4")
    assert described(1) == (1, "1 asked for")
    assert described(50) == (50, "50 asked for")


@pytest.mark.parametrize(
    ("processes", "expected"),
    [
        ("1", (8, "8 usable CPUs")),
        ("3", (2, "8 usable CPUs shared among 3 xdist workers")),
        ("4", (2, "8 usable CPUs shared among 4 xdist workers")),
        ("5", (2, "at least 2, with 8 usable CPUs shared among 5 xdist workers")),
        ("64", (2, "at least 2, with 8 usable CPUs shared among 64 xdist workers")),
        ("0", (8, "8 usable CPUs")),
        ("", (8, "8 usable CPUs")),
        ("many", (8, "8 usable CPUs")),
    ],
)
def test_the_processes_of_xdist_share_the_cpus(
    monkeypatch: pytest.MonkeyPatch, processes: str, expected: tuple[int, str]
) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", processes)
    assert described("auto") == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("auto", (3, "capped by PARWORK_MAX_WORKERS=3")),
        (4, (3, "capped by PARWORK_MAX_WORKERS=3")),
        (3, (3, "3 asked for")),
        (2, (2, "2 asked for")),
    ],
)
def test_the_user_caps_whatever_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, asked: WorkersAsked, expected: tuple[int, str]
) -> None:
    monkeypatch.setenv("PARWORK_MAX_WORKERS", "3")
    assert described(asked) == expected
    assert budget.resolve(asked).is_capped == expected[1].startswith("capped")


def test_a_cap_goes_below_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARWORK_MAX_WORKERS", " 1 ")
    assert described("auto") == (1, "capped by PARWORK_MAX_WORKERS=1")


def test_an_empty_cap_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARWORK_MAX_WORKERS", "")
    assert budget.most_workers() is None
    assert described("auto") == (8, "8 usable CPUs")


@pytest.mark.parametrize("text", ["many", "0", "-2", "2.5", "auto"])
def test_an_invalid_cap_is_rejected(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("PARWORK_MAX_WORKERS", text)
    with pytest.raises(UsageError) as caught:
        budget.resolve(2)
    assert str(caught.value) == (
        f"PARWORK_MAX_WORKERS={text}: give a whole number, at least 1, or unset it"
    )


def test_a_budget_has_the_cpus_it_was_computed_with(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, 2, "cgroup limit")
    found = budget.resolve(4)
    assert (found.cpus, found.cpus_limit) == (2, "cgroup limit")


def test_a_worker_without_a_task_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARWORK_MAX_WORKERS", "4")
    few = budget.resolve("auto").for_tasks(3)
    assert (few.workers, few.source, few.is_capped) == (3, "3 tasks", False)
    assert budget.resolve("auto").for_tasks(1).source == "1 task"
    assert budget.resolve("auto").for_tasks(0).workers == 1
    enough = budget.resolve("auto")
    assert enough.for_tasks(4) is enough


def test_the_number_that_the_backend_grants_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARWORK_MAX_WORKERS", "4")
    asked = budget.resolve("auto")
    less = asked.granted(1)
    assert (less.workers, less.source, less.is_capped) == (1, "1 granted by the backend", False)
    assert asked.granted(4) is asked


@pytest.mark.parametrize(("workers", "threads"), [(1, 8), (2, 4), (3, 2), (8, 1), (20, 1)])
def test_native_threads_share_the_cpus_among_the_workers(workers: int, threads: int) -> None:
    assert budget.native_threads(workers) == threads


def test_native_threads_share_them_among_the_processes_of_xdist_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "2")
    assert [budget.native_threads(workers) for workers in (1, 2, 8)] == [4, 2, 1]
