"""The number of processors, from files and functions of the system."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pytest_parwork.machine import cpus
from pytest_parwork.machine.cpus import usable_cpus


class System:
    """The files of a made-up system: its entries for this process, and control groups."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mount = folder / "sys fs"  # mountinfo writes the space as an octal number
        (folder / "proc").mkdir()

    def process(self, groups: str, *, root: str = "/", kind: str = "cgroup2 cgroup2 rw") -> None:
        """Set the groups of this process, and the group at which the mount starts."""
        place = str(self.mount).replace(" ", r"\040")
        line = f"35 24 0:30 {root} {place} rw,nosuid shared:9 - {kind}\n"
        self.write("proc/cgroup", groups)
        self.write("proc/mountinfo", f"24 1 8:1 / / rw - ext4 /dev/root rw\n{line}")

    def limit(self, group: str, text: str) -> None:
        """Set the limit of a group of version 2."""
        self.write(f"{self.mount.name}/{group}/cpu.max", text)

    def old_limit(self, group: str, quota: str, period: str = "100000") -> None:
        """Set the limit of a group of version 1."""
        self.write(f"{self.mount.name}/{group}/cpu.cfs_quota_us", quota)
        self.write(f"{self.mount.name}/{group}/cpu.cfs_period_us", period)

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n", encoding="ascii")


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    """Provide a machine with eight processors and no limits."""
    made = System(tmp_path)
    monkeypatch.setattr(cpus, "PROC", tmp_path / "proc")
    monkeypatch.setattr(cpus, "CGROUPS", made.mount)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.delattr(os, "process_cpu_count", raising=False)
    return made


def described() -> str:
    cpus.lowest_quota.cache_clear()  # as in a new process: tests change the limits
    return str(usable_cpus())


def test_without_limits_the_processors_of_the_machine_count(system: System) -> None:
    assert described() == "8 usable CPUs"


def test_the_affinity_of_the_process_counts(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3}, raising=False)
    assert described() == "1 usable CPU (affinity)"


def test_without_affinity_the_machine_counts(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert described() == "5 usable CPUs"
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert described() == "1 usable CPU"


def test_an_affinity_that_cannot_be_read_is_ignored(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rejected(pid: int) -> set[int]:
        raise PermissionError

    monkeypatch.setattr(os, "sched_getaffinity", rejected, raising=False)
    assert described() == "8 usable CPUs"


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        ("max 100000", "8 usable CPUs"),
        ("200000 100000", "2 usable CPUs (cgroup limit)"),
        ("150000 100000", "2 usable CPUs (cgroup limit)"),
        ("50000 100000", "1 usable CPU (cgroup limit)"),
        ("790000 100000", "8 usable CPUs"),
        ("9900000 100000", "8 usable CPUs"),
        ("", "8 usable CPUs"),
        ("200000", "8 usable CPUs"),
        ("200000 0", "8 usable CPUs"),
        ("0 100000", "8 usable CPUs"),
        ("-1 100000", "8 usable CPUs"),
        ("nonsense here", "8 usable CPUs"),
    ],
)
def test_the_share_of_a_container_counts(system: System, limit: str, text: str) -> None:
    system.process("0::/")
    system.limit("", limit)
    assert described() == text


def test_the_innermost_group_counts_as_well_as_the_outermost(system: System) -> None:
    system.process("0::/user.slice/job.scope")
    system.limit("user.slice/job.scope", "300000 100000")
    system.limit("user.slice/other.scope", "100000 100000")
    assert described() == "3 usable CPUs (cgroup limit)"


@pytest.mark.parametrize("tightest", ["", "pods", "pods/pod1", "pods/pod1/container"])
def test_the_tightest_of_the_groups_around_the_process_counts(
    system: System, tightest: str
) -> None:
    system.process("0::/pods/pod1/container")
    for group in ("pods", "pods/pod1", "pods/pod1/container"):
        system.limit(group, "600000 100000")
    system.limit(tightest, "200000 100000")
    assert described() == "2 usable CPUs (cgroup limit)"


def test_a_path_of_the_host_is_resolved_inside_of_the_mount(system: System) -> None:
    system.process("0::/docker/4f2a/init", root="/docker/4f2a")
    system.limit("init", "200000 100000")
    assert described() == "2 usable CPUs (cgroup limit)"


@pytest.mark.parametrize("path", ["/elsewhere", "/../sibling", "relative", ""])
def test_for_a_path_outside_of_the_mount_the_mount_point_counts(system: System, path: str) -> None:
    system.process(f"0::{path}", root="/docker/4f2a" if path == "/elsewhere" else "/")
    system.limit("", "200000 100000")
    system.write("sibling/cpu.max", "100000 100000")  # must not be reached through `..`
    assert described() == "2 usable CPUs (cgroup limit)"


@pytest.mark.parametrize("controllers", ["cpu", "cpu,cpuacct", "cpuacct,cpu"])
def test_version_1_counts_too(system: System, controllers: str) -> None:
    groups = f"5:memory:/\n4:{controllers}:/docker/4f2a\n1:name=systemd:/"
    system.process(groups, kind=f"cgroup cgroup rw,{controllers}")
    system.old_limit("docker", "-1")
    system.old_limit("docker/4f2a", "250000")
    assert described() == "3 usable CPUs (cgroup limit)"


def test_groups_of_other_controllers_are_ignored(system: System) -> None:
    system.process("4:cpuset,cpuacct:/\n3:memory:/", kind="cgroup cgroup rw,cpuset,cpuacct")
    system.old_limit("", "100000")
    assert described() == "8 usable CPUs"


def test_without_a_table_of_mounts_the_usual_places_are_read(system: System) -> None:
    system.write("proc/cgroup", "4:cpu,cpuacct:/job\n0::/job")
    system.old_limit("cpu,cpuacct/job", "500000")
    assert described() == "5 usable CPUs (cgroup limit)"
    system.limit("job", "300000 100000")
    assert described() == "3 usable CPUs (cgroup limit)"


def test_without_a_list_of_groups_the_outermost_one_counts(system: System) -> None:
    system.limit("", "400000 100000")
    assert described() == "4 usable CPUs (cgroup limit)"
    system.old_limit("cpu", "200000")
    assert described() == "2 usable CPUs (cgroup limit)"


@pytest.mark.parametrize("text", ["", "nonsense", ":::::", "0", "\x00", "- - -", "a b c d e - f"])
def test_an_invalid_limit_is_ignored(system: System, text: str) -> None:
    system.write("proc/cgroup", text)
    system.write("proc/mountinfo", text)
    assert described() == "8 usable CPUs"


def test_a_limit_that_is_not_text_is_ignored(system: System) -> None:
    system.process("0::/")
    system.limit("", "max")
    (system.mount / "cpu.max").write_bytes(b"\xff\xfe 100000")
    assert described() == "8 usable CPUs"


def test_a_number_that_the_user_sets_for_python_lowers_it(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    for count in (os.cpu_count, lambda: 3):
        monkeypatch.setattr(os, "cpu_count", count)
        monkeypatch.setattr(os, "process_cpu_count", count, raising=False)
    assert described() == "3 usable CPUs (PYTHON_CPU_COUNT)"
    monkeypatch.setitem(sys._xoptions, "cpu_count", "3")
    assert described() == "3 usable CPUs (-X cpu_count)"
    system.limit("", "200000 100000")
    assert described() == "2 usable CPUs (cgroup limit)"


def test_a_number_that_the_user_sets_for_python_never_raises_it(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "process_cpu_count", lambda: 64, raising=False)
    assert described() == "8 usable CPUs"


def test_where_python_has_no_number_the_affinity_counts(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "process_cpu_count", lambda: None, raising=False)
    assert described() == "8 usable CPUs"


def test_this_system_has_at_least_one_processor() -> None:
    assert usable_cpus().number >= 1
