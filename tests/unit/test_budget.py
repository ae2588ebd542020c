"""How many workers and native threads there is room for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_parwork import budget


@pytest.fixture
def cgroup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give eight processors, and the file in which a container's limit stands."""
    file = tmp_path / "cpu.max"
    monkeypatch.setattr(budget, "CGROUP", file)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    return file


def test_the_affinity_of_the_process_counts(cgroup: Path) -> None:
    assert budget.usable_cpus() == 8


def test_where_there_is_no_affinity_the_processors_count(
    cgroup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert budget.usable_cpus() == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert budget.usable_cpus() == 1


@pytest.mark.parametrize(
    ("limit", "cpus"),
    [
        ("max 100000", 8),
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("50000 100000", 1),
        ("9900000 100000", 8),
        ("", 8),
        ("nonsense here", 8),
    ],
)
def test_the_share_of_a_container_counts(cgroup: Path, limit: str, cpus: int) -> None:
    cgroup.write_text(f"{limit}\n", encoding="ascii")
    assert budget.usable_cpus() == cpus


def test_auto_is_the_usable_cpus_and_at_least_two(cgroup: Path) -> None:
    assert budget.resolve("auto") == 8
    cgroup.write_text("100000 100000\n", encoding="ascii")
    assert budget.resolve("auto") == 2
    assert budget.resolve(1) == 1
    assert budget.resolve(50) == 50


@pytest.mark.parametrize(("workers", "threads"), [(1, 8), (2, 4), (3, 2), (8, 1), (20, 1)])
def test_native_threads_share_the_cpus_among_the_workers(
    cgroup: Path, workers: int, threads: int
) -> None:
    assert budget.native_threads(workers) == threads
